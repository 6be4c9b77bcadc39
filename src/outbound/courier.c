/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/courier_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "net/dial.h"
#include "net/stream.h"
#include "queue/queue.h"
#include "smtp/smtp_caps.h"
#include "tls/tls_pipe.h"

enum { KEEP_MS = 20 * 1000 };

static void drive(struct courier *c);

struct courier *
courier_of_link(struct list *link)
{
	return list_entry(link, struct courier, link);
}

bool
courier_is_ready(const struct courier *c)
{
	return c->is_ready;
}

/* --- the others of this account ------------------------------------------- */

size_t
courier_count(const struct pool *p)
{
	size_t n = 0;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		n += account_opts_same_user(
		    courier_of_link(it)->opts, account_options(p->account));
	return n;
}

/* Another connection must still earn its window, so it gets what is due first
 * (dispatch_turn()): then the window is open when it is needed. */
static bool
favours_other(const struct courier *c)
{
	for (struct list *it = c->pool->couriers.next; it != &c->pool->couriers;
	     it = it->next)
		if (courier_of_link(it) != c &&
		    courier_is_growing(courier_of_link(it)))
			return !c->pool->is_turning;
	return false;
}

/* This connection will soon have carried all it may: the next one logs in
 * meanwhile, so that no message waits for the login. */
static void
relieve(struct courier *c)
{
	struct pool *p = c->pool;

	c->reuse.has_relief = true;
	if (!pool_may_take(p) || account_trust(p->account) != ACCOUNT_PROVEN ||
	    courier_count(p) >= pool_connections_max(p) ||
	    !account_may_connect(p->account, courier_count(p)))
		return;
	list_foreach (it, &p->couriers)
		if (!courier_of_link(it)->is_ready)
			return;
	courier_open(p);
}

/* --- messages ------------------------------------------------------------- */

/* How many messages this connection carries; 0: any number. */
static size_t
carries_max(const struct courier *c)
{
	size_t max = pool_per_connection(c->pool);
	size_t stated = (size_t)smtp_client_caps(c->wire.smtp)->mail_max;

	return stated != 0 && (max == 0 || stated < max) ? stated : max;
}

/* A message may have taken several transactions. */
static bool
has_carried_all(const struct courier *c)
{
	size_t max = pool_per_connection(c->pool);

	return (max != 0 && c->reuse.carried >= max) ||
	       smtp_client_is_used_up(c->wire.smtp);
}

/* Now, or when there is room for another one. */
static bool
takes_more(const struct courier *c)
{
	return c->is_ready && !c->is_quitting && !c->reuse.is_over &&
	       !courier_is_past(c) && pool_may_take(c->pool) &&
	       account_may_send(c->pool->account) && !has_carried_all(c);
}

bool
courier_carries_suspect(const struct courier *c)
{
	return !list_is_empty(&c->deliveries) &&
	       delivery_is_suspect(delivery_of_link(c->deliveries.next));
}

bool
courier_may_try(const struct pool *p)
{
	size_t n = 0;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		const struct courier *c = courier_of_link(it);

		n += courier_carries_suspect(c) || courier_is_stalled(c);
	}
	return n == 0 || n + 1 < pool_connections_max(p);
}

static bool
has_room(const struct courier *c)
{
	size_t max = pool_under_way_max(c->pool), n = 0;

	if (courier_carries_suspect(c))
		return false;
	if (max == 0)
		return true;
	list_foreach (it, &c->deliveries)
		n++;
	return n < max;
}

static bool
may_take(const struct courier *c)
{
	return takes_more(c) && has_room(c);
}

/* The connection is busy and will soon have carried all it may.  With a distant
 * server a login takes as long as many messages. */
static bool
wants_relief(const struct courier *c)
{
	size_t max = carries_max(c);

	return !c->reuse.has_relief && max != 0 &&
	       c->reuse.carried >= max / 8 &&
	       c->deliveries.next != c->deliveries.prev;
}

/* The message of which the rest is to be sent now, or NULL. */
static struct delivery *
next_rest(const struct courier *c)
{
	for (struct list *it = c->deliveries.next; it != &c->deliveries;
	     it = it->next)
		if (delivery_is_between(delivery_of_link(it)))
			return delivery_of_link(it);
	return NULL;
}

static void
end_delivery(struct courier *c, struct delivery *d, const struct verdict *v)
{
	enum delivery_blame blame = delivery_end(d, v);

	if (blame != DELIVERY_UNINVOLVED)
		c->is_explained = blame == DELIVERY_CAUSE;
}

/* The account works and its limits leave room. */
static bool
has_leave(const struct courier *c)
{
	return account_trust(c->pool->account) != ACCOUNT_NOT_NOW &&
	       account_may_send(c->pool->account);
}

/* Starts one transaction if the engine has room: the rest of a message that is
 * here already, or the next that is due.  Its events are handled before another
 * starts. */
static bool
load(struct courier *c)
{
	struct queue_claim *qd;
	struct delivery *d;
	bool is_used_up;

	if (!c->is_ready)
		return false;
	is_used_up = smtp_client_is_used_up(c->wire.smtp);
	if (!is_used_up && !smtp_client_may_send(c->wire.smtp))
		return false;
	if ((d = next_rest(c)) != NULL) {
		/* Another connection takes it, or it waits for the limit. */
		if (is_used_up || !has_leave(c))
			end_delivery(c, d, NULL);
		else
			delivery_send(d, c->wire.smtp);
		return true;
	}
	if (is_used_up || !may_take(c))
		return false;
	if (favours_other(c)) {
		pool_turn_if_due(c->pool);
		return false;
	}
	if ((qd = pool_take(c->pool, list_is_empty(&c->deliveries) &&
					 courier_may_try(c->pool))) == NULL)
		return false;
	c->heard.verdict.class = VERDICT_NONE; /* the table may be another */
	d = delivery_new(c->pool, qd, c->wire.smtp, &c->remote);
	if (d == NULL)
		return true;
	reuse_carry(&c->reuse, list_is_empty(&c->deliveries));
	list_append(&c->deliveries, delivery_link(d));
	if (wants_relief(c))
		relieve(c);
	delivery_send(d, c->wire.smtp);
	return true;
}

static struct delivery *
delivery_by_tag(struct courier *c, uint64_t tag)
{
	list_foreach (it, &c->deliveries)
		if (delivery_tag(delivery_of_link(it)) == tag)
			return delivery_of_link(it);
	abort(); /* the engine names a job that was never sent */
}

/* A single one may be a server that restarts. */
static void
learn_spent(const struct courier *c)
{
	if (courier_fact(c, LEARNT_SPENT) == c->reuse.answered)
		courier_learn(
		    c, LEARNT_PER_CONNECTION, (uint32_t)c->reuse.answered);
	courier_learn(c, LEARNT_SPENT, (uint32_t)c->reuse.answered);
}

/* The answer to one transaction may be about the session.  What the engine
 * knows of that, it reports at the end. */
static void
note_answer(
    struct courier *c, const struct delivery *d, const struct sc_info *info)
{
	enum reuse_news news = reuse_heard(
	    &c->reuse, &info->verdict, c->heard.meaning.act, info->is_void);

	switch (news) {
	case REUSE_GOES_ON:
		return;
	case REUSE_BROKEN:
		if (!delivery_is_cause(d))
			(void)courier_tell_answer(c, ACCOUNT_BROKEN_OFF);
		return;
	case REUSE_LIMIT:
		courier_learn(
		    c, LEARNT_PER_CONNECTION, (uint32_t)c->reuse.answered);
		break;
	case REUSE_MAYBE_LIMIT:
		learn_spent(c);
		break;
	case REUSE_SPENT:
		break;
	}
	c->remote.is_spent = true;
}

/* The connection carries no more, and some of the recipients were asked over
 * it: another one takes the rest. */
static bool
meets_the_limit(const struct courier *c, const struct delivery *d,
    const struct sc_info *info)
{
	return c->remote.is_spent && info->verdict.stage == STAGE_MAIL &&
	       delivery_was_answered(d);
}

static void
on_job_done(struct courier *c, const struct sc_info *info)
{
	struct delivery *d = delivery_by_tag(c, info->job);

	if (c->body == d)
		c->body = NULL;
	if (info->verdict.class == VERDICT_NONE) {
		end_delivery(c, d, NULL); /* another one may have it */
		return;
	}
	if (smtp_client_is_trusted(c->wire.smtp))
		pool_vouch(c->pool);
	note_answer(c, d, info);
	if (delivery_job_done(d, &c->heard, info->is_void))
		end_delivery(
		    c, d, meets_the_limit(c, d, info) ? NULL : &info->verdict);
}

static void
log_login(const struct courier *c, struct bytes mechanism)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_INFO, "connected");
	log_str(&l, "account", c->opts->name);
	log_str(&l, "remote", c->wire.who);
	log_str(&l, "tls", c->remote.tls[0] != '\0' ? c->remote.tls : "none");
	if (stream_tls(c->wire.stream) != NULL)
		log_str(&l, "resumed",
		    tls_pipe_was_resumed(stream_tls(c->wire.stream)) ? "yes"
								     : "no");
	if (mechanism.n > 0)
		log_bytes(&l, "auth", mechanism);
	else
		log_str(&l, "auth", "none");
	log_end(&l);
}

/* The server has accepted a name after refusing others. */
static void
learn_names(struct courier *c)
{
	unsigned refused = smtp_client_ehlo_refused(c->wire.smtp);

	if (refused != 0 && (c->wire.login.names & ~refused) != 0)
		courier_learn(
		    c, LEARNT_EHLO, learnt_ehlo(refused, c->opts->ehlo_name));
}

static void
tell_login(const struct courier *c)
{
	const struct smtp_caps *caps = smtp_client_caps(c->wire.smtp);
	const struct tls_pipe *tls = stream_tls(c->wire.stream);
	struct account_news n = { .kind = ACCOUNT_LOGGED_IN,
		.size_max_bytes = caps->size_max_bytes,
		.cert_until_s = tls != NULL ? tls_pipe_expires_s(tls) : 0,
		.absurd = caps->absurd };

	(void)courier_tell_account(
	    c, &n); /* of course it is about the account */
}

static void
on_engine_ready(struct courier *c, const struct sc_info *info)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	if (pool_is_vouched_for(c->pool))
		smtp_client_vouch(c->wire.smtp);
	courier_login_forget(&c->wire.login);
	if (stream_tls(c->wire.stream) != NULL)
		c->remote.tls = tls_pipe_version(stream_tls(c->wire.stream));
	log_login(c, info->text);
	learn_names(c);
	if (smtp_client_is_bare_auth(c->wire.smtp))
		courier_learn(c, LEARNT_BARE_AUTH, 1);
	tell_login(c);
}

/* --- the crank ------------------------------------------------------------ */

static void
on_starttls(struct courier *c)
{
	struct tls_ctx *ctx;
	struct err err;

	IGNORE(wire_give(&c->wire)); /* STARTTLS itself has gone */
	if (account_tls(c->pool->account, &ctx, &err) != 0 ||
	    wire_start_tls(&c->wire, ctx, c->timing.patience_ms, &err) != 0)
		smtp_client_eof(c->wire.smtp, err.text);
}

/* The engine reports the same answer for each recipient, for the transaction,
 * and at the end. */
static void
hear(struct courier *c, const struct verdict *v)
{
	if (verdict_eq(&c->heard.verdict, v))
		return;
	c->heard.verdict = *v;
	c->heard.meaning = diagnose(v, c->opts->host);
}

static enum sc_event
next_event(struct courier *c, struct sc_info *info)
{
	enum sc_event ev = wire_next(
	    &c->wire, c->is_ready && c->opts->wants_auth, info);

	if (ev == SC_RCPT_DONE || ev == SC_JOB_DONE || ev == SC_CLOSE)
		hear(c, &info->verdict);
	return ev;
}

/* True: the courier is gone. */
static bool
on_event(struct courier *c, enum sc_event ev, const struct sc_info *info)
{
	switch (ev) {
	case SC_IDLE:
		break;
	case SC_WANT_BODY:
		c->body = delivery_by_tag(c, info->job);
		break;
	case SC_STARTTLS:
		on_starttls(c);
		break;
	case SC_AUTH:
	case SC_CHALLENGE:
	case SC_ACCEPTED:
		courier_login_event(&c->wire.login, ev, info);
		break;
	case SC_READY:
		on_engine_ready(c, info);
		break;
	case SC_RCPT_DONE:
		delivery_rcpt(delivery_by_tag(c, info->job), info->rcpt,
		    &c->heard, info->is_void);
		break;
	case SC_JOB_DONE:
		on_job_done(c, info);
		break;
	case SC_CLOSE:
		IGNORE(wire_give(&c->wire)); /* QUIT, at best */
		courier_closed(c, info);
		return true;
	}
	return false;
}

static bool
take_input(struct courier *c, int64_t now)
{
	if (wire_has_input(&c->wire)) {
		courier_note_answer(c);
		c->timing.heard_ms = now;
		c->timing.has_greeted = true;
	}
	return wire_take(&c->wire);
}

/* Says QUIT when there is nothing more to do. */
static void
maybe_quit(struct courier *c)
{
	if (!c->is_ready || c->is_quitting || !list_is_empty(&c->deliveries))
		return;
	if (!c->reuse.is_over && !courier_is_past(c) &&
	    pool_may_take(c->pool) &&
	    courier_now_ms(c) < c->timing.keep_until && !has_carried_all(c))
		return;
	c->is_quitting = true;
	smtp_client_quit(c->wire.smtp);
	IGNORE(wire_give(&c->wire)); /* the deadline ends it at the latest */
}

/* --- what the pool asks and wants ----------------------------------------- */

bool
courier_is_growing(const struct courier *c)
{
	return takes_more(c) && !courier_carries_suspect(c) &&
	       smtp_client_is_growing(c->wire.smtp);
}

bool
courier_is_asking(const struct courier *c)
{
	return !c->is_ready && courier_login_is_asking(&c->wire.login);
}

bool
courier_is_leaving(const struct courier *c)
{
	return c->is_quitting || c->reuse.is_over;
}

void
courier_retire(struct courier *c)
{
	c->reuse.is_over = true;
	drive(c);
}

void
courier_give_up(struct courier *c)
{
	char why[120];

	(void)snprintf(why, sizeof(why),
	    "the server has been silent for %d seconds, and other messages "
	    "wait",
	    (int)((courier_now_ms(c) - c->timing.heard_ms) / 1000));
	if (c->is_ready && !courier_is_past(c))
		pool_fell_silent(c->pool);
	c->timing.is_given_up = true;
	smtp_client_eof(c->wire.smtp, why);
	drive(c);
}

static void
set_timer(struct courier *c)
{
	int64_t at = c->wire.handshake_by, look = courier_look_at(c);

	if (look < at)
		at = look;
	if (c->wire.smtp != NULL && smtp_client_deadline(c->wire.smtp) < at)
		at = smtp_client_deadline(c->wire.smtp);
	if (c->is_ready && list_is_empty(&c->deliveries) &&
	    c->timing.keep_until < at && !c->is_quitting)
		at = c->timing.keep_until;
	loop_timer_set(c->timer, at);
}

/* True: the engine may be driven. */
static bool
handshake_is_over(struct courier *c)
{
	switch (wire_handshake(&c->wire)) {
	case WIRE_READY:
	case WIRE_TLS_UP:
		return true;
	case WIRE_WAITS:
		set_timer(c);
		break;
	case WIRE_BROKEN:
		courier_transport_failed(c);
		break;
	case WIRE_TIMED_OUT:
		courier_handshake_timed_out(c);
		break;
	}
	return false;
}

static void
begin_smtp(struct courier *c)
{
	const struct account_opts *o = c->opts;
	struct smtp_client_opts opts = {
		.distrust = courier_fact(c, LEARNT_DISTRUST),
		.is_bare_auth = courier_fact(c, LEARNT_BARE_AUTH) != 0,
		.ehlo_refused = courier_fact(c, LEARNT_NAMES_TRIED) |
				learnt_ehlo_refused(
				    courier_fact(c, LEARNT_EHLO), o->ehlo_name),
		.tls = c->port.tls,
		.wants_auth = o->wants_auth,
		.is_plain_spoken = courier_fact(c, LEARNT_PLAIN) != 0,
		.greeting_ms = c->timing.patience_ms,
	};

	wire_begin(&c->wire, &opts, c->opts, c->port.port);
}

static void
crank(struct courier *c)
{
	struct sc_info info;
	enum sc_event ev;
	bool goes_on;

	do {
		int64_t now = courier_now_ms(c);

		goes_on = take_input(c, now);
		courier_note_stall(c);
		smtp_client_tick(c->wire.smtp, now);
		while ((ev = next_event(c, &info)) != SC_IDLE)
			if (on_event(c, ev, &info))
				return;
		if (!list_is_empty(&c->deliveries))
			c->timing.keep_until = now + KEEP_MS;
		goes_on = load(c) || goes_on;
		if (c->body != NULL)
			goes_on = delivery_feed(c->body, c->wire.smtp) ||
				  goes_on;
		goes_on = wire_give(&c->wire) || goes_on;
		smtp_client_unsent(c->wire.smtp, stream_unsent(c->wire.stream));
	} while (goes_on);
	/* Now, not after the loop has asked the kernel again. */
	stream_flush(c->wire.stream);
	maybe_quit(c);
	set_timer(c);
}

static void
drive(struct courier *c)
{
	if (c->is_gone || c->wire.stream == NULL || !handshake_is_over(c))
		return;
	if (c->wire.smtp == NULL)
		begin_smtp(c);
	crank(c);
}

static void
on_ready(void *ctx)
{
	drive(ctx);
}

static void
on_timer(void *ctx)
{
	struct courier *c = ctx;
	struct pool *p = c->pool;

	drive(c); /* c may be gone after this */
	pool_turn_if_due(p);
}

void
courier_turn(struct courier *c)
{
	if (c->is_ready && !c->is_quitting)
		drive(c);
}

void
courier_stop(struct courier *c)
{
	/* Before the login it carries nothing, and a silent server must not
	 * delay the stop. */
	if (!c->is_ready) {
		courier_end(c, NULL);
		return;
	}
	drive(c);
}

/* --- dialling ------------------------------------------------------------- */

static void
on_dialled(void *ctx, const struct dial_result *r)
{
	struct courier *c = ctx;
	struct tls_ctx *tls;
	struct err err;

	dial_free(c->dial);
	c->dial = NULL;
	if (r->fault != DIAL_OK) {
		courier_dial_failed(c, r);
		return;
	}
	wire_connected(&c->wire, r->stream);
	c->timing.heard_ms = courier_now_ms(c);
	c->timing.dialled_ms = c->timing.heard_ms - c->timing.opened_ms;
	stream_on_ready(c->wire.stream, on_ready, c);
	if (c->port.tls == SC_TLS_IMPLICIT &&
	    (account_tls(c->pool->account, &tls, &err) != 0 ||
		wire_start_tls(&c->wire, tls, c->timing.patience_ms, &err) !=
		    0)) {
		courier_tell_trouble(c, ACCOUNT_TROUBLE, err.text);
		courier_end(c, NULL);
		return;
	}
	drive(c);
}

void
courier_open(struct pool *p)
{
	struct courier *c = xcalloc(1, sizeof(*c));
	struct account_way way;

	account_way(p->account, &way);
	c->pool = p;
	c->opts = account_opts_ref(way.opts);
	c->port = way.port;
	c->timing.patience_ms = way.patience_ms;
	wire_init(&c->wire, p->loop, p->account, way.opts->host, on_ready, c);
	list_init(&c->deliveries);
	c->timing.opened_ms = c->timing.heard_ms = courier_now_ms(c);
	c->timing.keep_until = c->timing.opened_ms + KEEP_MS;
	c->remote = (struct delivery_remote) {
		.who = c->wire.who, .tls = "", .go_on = on_ready, .ctx = c
	};
	c->timer = loop_timer_new(p->loop, on_timer, c);
	list_append(&p->couriers, &c->link);
	pool_report_connections(p, false);
	c->dial = dial_new(p->loop, c->opts->host, c->port.port,
	    c->timing.patience_ms, on_dialled, c);
}
