/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/account.h"
#include "base/log.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "net/dial.h"
#include "net/loop.h"
#include "net/stream.h"
#include "outbound/delivery.h"
#include "outbound/pool.h"
#include "outbound/service.h"
#include "outbound/wire.h"
#include "queue/queue.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_limits.h"
#include "tls/tls_pipe.h"

enum { KEEP_MS = 20 * 1000, LINGER_MS = 5000 };

/* Since when, until when, for how long. */
struct courier_timing {
	int64_t patience_ms; /* with each step up to the greeting */
	int64_t heard_ms; /* the last byte from the server; at first, when
			   * this was made */
	int64_t opened_ms, dialled_ms; /* when; and how long that took */
	bool has_greeted;
	bool is_given_up; /* silent for too long */
	bool was_stalled; /* when last looked at */
	int64_t keep_until; /* idle until then, then QUIT */
};

struct courier {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* by which it was opened */
	struct account_port port;
	struct dial *dial;
	struct wire wire;
	struct loop_timer *timer;
	struct list deliveries; /* messages under way */
	struct delivery *body; /* whose body the engine wants now, or NULL */
	bool is_ready, is_quitting, is_gone;
	struct delivery_remote remote;
	struct answer heard; /* the newest, and what it means */
	struct courier_timing timing;
	struct service service;
};

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

static int64_t
now_ms(const struct courier *c)
{
	return clock_boot_ms(loop_clock(c->pool->loop));
}

/* The account goes to another server now: this connection finishes what it
 * carries. */
static bool
is_past(const struct courier *c)
{
	return account_is_past(c->pool->account, c->opts);
}

static bool
tell_account(const struct courier *c, const struct account_news *n)
{
	return account_heard(c->pool->account, c->opts, n);
}

static void
tell_trouble(
    const struct courier *c, enum account_news_kind kind, const char *why)
{
	struct account_news n = { .kind = kind, .why = why };

	(void)tell_account(c, &n); /* it is always about the account */
}

static uint32_t
fact(const struct courier *c, enum learnt_fact f)
{
	return account_fact(c->pool->account, f);
}

static void
learn(const struct courier *c, enum learnt_fact f, uint32_t value)
{
	account_learn(c->pool->account, c->opts, f, value);
}

/* --- the others of this account --------------------------------------------- */

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

/* Another connection has the full window: the server works well. */
static bool
is_vouched_for(const struct courier *c)
{
	for (struct list *it = c->pool->couriers.next; it != &c->pool->couriers;
	     it = it->next)
		if (courier_is_trusted(courier_of_link(it)))
			return true;
	return false;
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

static bool
is_another_at_work(const struct courier *c)
{
	for (struct list *it = c->pool->couriers.next; it != &c->pool->couriers;
	     it = it->next) {
		const struct courier *other = courier_of_link(it);

		if (other != c && other->is_ready && !is_past(other) &&
		    !courier_is_stalled(other))
			return true;
	}
	return false;
}

/* Another connection could take what waits: then the failure of this one does
 * not stop the account and is only logged, but for a while no further
 * connection is opened. */
static bool
works_without(const struct courier *c, const char *why)
{
	if (account_trust(c->pool->account) == ACCOUNT_NOT_NOW ||
	    !is_another_at_work(c))
		return false;
	log_text(LOG_LEVEL_NOTICE, "account %s: one connection of several: %s",
	    account_options(c->pool->account)->name, why);
	pool_wait_with_extra(c->pool);
	return true;
}

/* This connection will soon have carried all it may: the next one logs in
 * meanwhile, so that no message waits for the login. */
static void
relieve(struct courier *c)
{
	struct pool *p = c->pool;

	c->service.has_relief = true;
	if (!pool_may_take(p) || account_trust(p->account) != ACCOUNT_PROVEN ||
	    courier_count(p) >= pool_connections_max(p) ||
	    !account_may_connect(p->account, courier_count(p)))
		return;
	list_foreach (it, &p->couriers)
		if (!courier_of_link(it)->is_ready)
			return;
	courier_open(p);
}

/* --- the end of a connection ---------------------------------------------- */

/* Gives every message back and frees the courier.  v: what is known of the
 * messages whose transaction the engine did not finish. */
static void
go(struct courier *c, const struct verdict *v)
{
	struct pool *p = c->pool;

	c->is_gone = true;
	list_foreach (it, &c->deliveries)
		delivery_end(delivery_of_link(it), v);
	courier_free(c);
	pool_courier_gone(p);
}

void
courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	list_foreach (it, &c->deliveries)
		delivery_end(delivery_of_link(it), NULL);
	dial_free(c->dial);
	wire_clear(&c->wire, LINGER_MS);
	loop_timer_free(c->timer);
	list_remove(&c->link);
	account_opts_free(c->opts);
	free(c);
}

/* The error of the TLS layer says what is wrong with this port. */
static enum port_fault
fault_of_stream(const struct courier *c)
{
	const struct err *e = stream_error(c->wire.stream);

	if (e != NULL && e->class == ERR_CERTIFICATE)
		return PORT_CERTIFICATE;
	if (e != NULL && e->class == ERR_TLS)
		return PORT_NO_TLS;
	return PORT_RESET;
}

static void
port_failed(struct courier *c, enum port_fault fault, const char *why)
{
	struct account_news n = { .kind = ACCOUNT_NO_WAY,
		.port = c->port,
		.fault = fault,
		.why = why };

	if (!works_without(c, why))
		(void)tell_account(c, &n); /* it is about the account */
}

/* The transport failed before the engine could start, or during STARTTLS. */
static void
transport_failed(struct courier *c)
{
	const struct err *e = stream_error(c->wire.stream);
	enum port_fault fault = fault_of_stream(c);
	char why[600];

	if (tls_pipe_offered_ticket(stream_tls(c->wire.stream))) {
		/* The ticket has been forgotten; a handshake without it may
		 * work and is tried at once. */
		go(c, NULL);
		return;
	}
	(void)snprintf(why, sizeof(why), "%s: %s", c->wire.who,
	    e != NULL ? e->text
		      : "the connection was closed during the TLS handshake");
	port_failed(c, fault, why);
	go(c, NULL);
}

static void
handshake_timed_out(struct courier *c)
{
	char why[300];

	(void)snprintf(why, sizeof(why),
	    "%s: no answer to the TLS handshake; if the port wants clear text "
	    "first, set tls = starttls",
	    c->wire.who);
	port_failed(c, PORT_NO_GREETING, why);
	go(c, NULL);
}

/* --- why the engine gave up ----------------------------------------------- */

enum trouble_act {
	ACT_NOTHING,
	ACT_PAUSE,
	ACT_HOLD,
	ACT_PORT,
	ACT_AGAIN /* at once; nothing is left to report */
};

/* What each kind of trouble means for the account when no reply says more
 * (mail/diagnosis.h knows the replies). */
static const struct {
	enum trouble_act act;
	enum port_fault fault; /* for ACT_PORT */
	/* Where the engine knows more than the last reply says; added to the
	 * reply. */
	const char *advice;
} troubles[] = {
	[SC_TROUBLE_NONE] = { ACT_NOTHING, PORT_UNTRIED, NULL },
	[SC_TROUBLE_LOST] = { ACT_PAUSE, PORT_NO_GREETING, NULL },
	[SC_TROUBLE_PROTOCOL] = { ACT_PORT, PORT_NOT_SMTP, NULL },
	[SC_TROUBLE_REFUSED] = { ACT_PAUSE, PORT_UNTRIED, NULL },
	[SC_TROUBLE_NO_TLS] = { ACT_PORT, PORT_NO_TLS, NULL },
	[SC_TROUBLE_NO_AUTH] = { ACT_HOLD, PORT_UNTRIED,
	    "the provider accepts no login method that it offers and the "
	    "account may use; check auth, port and tls of this account" },
	[SC_TROUBLE_AUTH] = { ACT_HOLD, PORT_UNTRIED, NULL },
	[SC_TROUBLE_AUTH_LATER] = { ACT_PAUSE, PORT_UNTRIED, NULL },
	[SC_TROUBLE_CRED] = { ACT_HOLD, PORT_UNTRIED, NULL },
	[SC_TROUBLE_NAME] = { ACT_HOLD, PORT_UNTRIED,
	    "the provider accepts none of the names that relais gives in EHLO; "
	    "set hostname in [relais] to the full name of this machine" },
	[SC_TROUBLE_BROKEN] = { ACT_AGAIN, PORT_UNTRIED, NULL },
	[SC_TROUBLE_OFFER] = { ACT_AGAIN, PORT_UNTRIED, NULL },
};

static enum trouble_act
act_on(const struct courier *c, const struct sc_info *info)
{
	if (courier_login_may_say_another_name(&c->wire.login, info))
		return ACT_AGAIN;
	if (info->trouble != SC_TROUBLE_LOST) {
		/* A protocol error after the login says nothing about the port:
		 * the server is the provider's, and is out of step. */
		if (c->is_ready && troubles[info->trouble].act == ACT_PORT) {
			learn(c, LEARNT_PLAIN, 1);
			return ACT_PAUSE;
		}
		return troubles[info->trouble].act;
	}
	if (!c->is_ready && info->verdict.stage <= STAGE_GREETING)
		return c->timing.is_given_up ? ACT_PAUSE : ACT_PORT;
	/* A server may close an idle connection, even if our next MAIL is on
	 * its way. */
	if (!c->is_ready)
		return ACT_PAUSE;
	return c->service.was_idle || !c->service.has_broken ? ACT_NOTHING
							     : ACT_PAUSE;
}

/* A single loss may have been chance. */
static bool
lost_bdat_again(const struct courier *c)
{
	bool is_again = fact(c, LEARNT_LOST_BDAT) != 0;

	learn(c, LEARNT_LOST_BDAT, 1);
	return is_again;
}

static void
learn_at_end(struct courier *c, const struct sc_info *info)
{
	unsigned distrust = smtp_client_distrust(c->wire.smtp);

	if (smtp_client_lost_bdat(c->wire.smtp) && lost_bdat_again(c))
		distrust |= SMTP_DISTRUST_CHUNKING;
	learn(c, LEARNT_DISTRUST, fact(c, LEARNT_DISTRUST) | distrust);
	if (courier_login_may_say_another_name(&c->wire.login, info)) {
		learn(c, LEARNT_NAMES_TRIED,
		    smtp_client_ehlo_refused(c->wire.smtp));
	} else if (info->trouble == SC_TROUBLE_NAME) {
		learn(c, LEARNT_NAMES_TRIED, 0); /* the next try begins anew */
		learn(c, LEARNT_EHLO, 0);
	}
}

/* For the end of the connection. */
static enum standing_blame
blame(const struct courier *c)
{
	return c->remote.is_explained  ? BLAME_MESSAGE
	       : c->service.has_broken ? BLAME_OPEN
				       : BLAME_PROVIDER;
}

static bool
tell_answer(const struct courier *c, enum account_news_kind kind)
{
	struct account_news n = { .kind = kind,
		.blame = blame(c),
		.answer = &c->heard,
		.secret = c->wire.login.secret };

	return tell_account(c, &n);
}

static void
explain(const struct courier *c, enum sc_trouble trouble,
    const struct verdict *v, struct buf *why)
{
	const char *advice = troubles[trouble].advice;
	struct diagnosis d = { 0 };

	if (v->code != 0 && (advice != NULL || v->text[0] == '\0')) {
		if (advice != NULL) /* fits */
			IGNORE(str_copy(
			    d.remedy, sizeof(d.remedy), bytes_str(advice)));
		diagnosis_reason(v, &d, why);
	} else { /* cut when full */
		IGNORE(buf_addf(why, "%s: %s", c->wire.who, v->text));
	}
}

/* Of the end of a connection that no reply explains better. */
static void
tell_trouble_at_end(const struct courier *c, enum account_news_kind kind,
    const struct sc_info *info)
{
	struct verdict public = verdict_public(&info->verdict);
	struct buf why, told;
	struct account_news n = { .kind = kind, .blame = blame(c) };

	buf_init(&why, DIAGNOSIS_REASON_MAX);
	buf_init(&told, DIAGNOSIS_REASON_MAX);
	explain(c, info->trouble, &info->verdict, &why);
	explain(c, info->trouble, &public, &told);
	n.why = buf_str(&why);
	n.told = buf_str(&told);
	(void)tell_account(c, &n); /* it is always about the account */
	buf_clear(&why);
	buf_clear(&told);
}

static void
tell_end(struct courier *c, const struct sc_info *info)
{
	enum trouble_act act = act_on(c, info);
	struct buf why;

	if (info->trouble == SC_TROUBLE_AUTH &&
	    account_renews(c->pool->account, c->opts, &info->verdict))
		return; /* another connection tries with another token */
	if (info->trouble == SC_TROUBLE_AUTH ||
	    info->trouble == SC_TROUBLE_CRED)
		(void)tell_answer(c, ACCOUNT_SECRET_REFUSED);
	if (info->trouble == SC_TROUBLE_BROKEN && !c->remote.is_explained)
		(void)tell_answer(c, ACCOUNT_BROKEN_OFF);
	if (act == ACT_NOTHING || act == ACT_AGAIN || c->remote.is_spent)
		return;
	/* The meaning of the reply comes before the kind of trouble, unless the
	 * engine knows more. */
	if (act != ACT_PORT && blame(c) != BLAME_MESSAGE &&
	    info->verdict.code != 0 && troubles[info->trouble].advice == NULL &&
	    tell_answer(c, ACCOUNT_ANSWERED))
		return;
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	explain(c, info->trouble, &info->verdict, &why);
	if (act == ACT_PORT)
		port_failed(c, troubles[info->trouble].fault, buf_str(&why));
	else if (info->trouble == SC_TROUBLE_LOST &&
		 works_without(c, buf_str(&why)))
		; /* the others go on */
	else if (act == ACT_HOLD)
		tell_trouble_at_end(c, ACCOUNT_NO_LOGIN, info);
	else
		tell_trouble_at_end(c,
		    c->timing.was_stalled && blame(c) != BLAME_MESSAGE
			? ACCOUNT_SILENT
			: ACCOUNT_TROUBLE,
		    info);
	buf_clear(&why);
}

static void
on_close(struct courier *c, const struct sc_info *info)
{
	struct verdict v = info->verdict;

	if (!is_past(c)) {
		tell_end(c, info);
		learn_at_end(c, info);
	}
	go(c, v.class != VERDICT_NONE ? &v : NULL);
}

/* --- messages ------------------------------------------------------------- */

/* Now, or when there is room for another one. */
static bool
takes_more(const struct courier *c)
{
	size_t max = pool_per_connection(c->pool);

	return c->is_ready && !c->is_quitting && !c->service.is_over &&
	       !is_past(c) && pool_may_take(c->pool) &&
	       account_may_send(c->pool->account) &&
	       (max == 0 || c->service.carried < max);
}

static bool
has_room(const struct courier *c)
{
	size_t max = pool_under_way_max(c->pool), n = 0;

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
	size_t max = pool_per_connection(c->pool);

	return !c->service.has_relief && max != 0 &&
	       c->service.carried >= max / 8 &&
	       c->deliveries.next != c->deliveries.prev;
}

/* Starts one transaction if the engine has room: the rest of a message that is
 * here already, or the next that is due.  Its events are handled before another
 * starts. */
static bool
load(struct courier *c)
{
	struct queue_claim *qd;
	struct delivery *d;

	if (!c->is_ready || !smtp_client_may_send(c->wire.smtp))
		return false;
	list_foreach (it, &c->deliveries) {
		d = delivery_of_link(it);
		if (delivery_is_between(d)) {
			delivery_send(d, c->wire.smtp);
			return true;
		}
	}
	if (!may_take(c))
		return false;
	if (favours_other(c)) {
		pool_look(c->pool);
		return false;
	}
	if ((qd = pool_take(c->pool)) == NULL)
		return false;
	c->heard.verdict.class = VERDICT_NONE; /* the table may be another */
	d = delivery_new(c->pool, qd, c->wire.smtp, &c->remote);
	if (d == NULL)
		return true;
	service_carry(&c->service, list_is_empty(&c->deliveries));
	list_append(&c->deliveries, delivery_link(d));
	if (wants_relief(c))
		relieve(c);
	account_spend(
	    c->pool->account, envelope_waiting(queue_claim_envelope(qd)));
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
	if (fact(c, LEARNT_SPENT) == c->service.answered)
		learn(c, LEARNT_PER_CONNECTION, (uint32_t)c->service.answered);
	learn(c, LEARNT_SPENT, (uint32_t)c->service.answered);
}

/* The answer to one transaction may be about the session.  What the engine
 * knows of that, it reports at the end. */
static void
note_answer(
    struct courier *c, const struct delivery *d, const struct sc_info *info)
{
	enum service_news news = service_heard(
	    &c->service, &info->verdict, c->heard.meaning.act, info->is_void);

	switch (news) {
	case SERVICE_GOES_ON:
		return;
	case SERVICE_BROKEN:
		if (!delivery_is_cause(d))
			(void)tell_answer(c, ACCOUNT_BROKEN_OFF);
		return;
	case SERVICE_LIMIT:
		learn(c, LEARNT_PER_CONNECTION, (uint32_t)c->service.answered);
		break;
	case SERVICE_MAYBE_LIMIT:
		learn_spent(c);
		break;
	case SERVICE_SPENT:
		break;
	}
	c->remote.is_spent = true;
}

static void
on_job_done(struct courier *c, const struct sc_info *info)
{
	struct delivery *d = delivery_by_tag(c, info->job);

	if (c->body == d)
		c->body = NULL;
	if (info->verdict.class == VERDICT_NONE) {
		delivery_end(d, NULL); /* another connection may have it */
		return;
	}
	note_answer(c, d, info);
	if (delivery_job_done(d, &c->heard, info->is_void))
		delivery_end(d, &info->verdict);
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
		learn(c, LEARNT_EHLO, learnt_ehlo(refused, c->opts->ehlo_name));
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

	(void)tell_account(c, &n); /* of course it is about the account */
}

static void
on_engine_ready(struct courier *c, const struct sc_info *info)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	courier_login_forget(&c->wire.login);
	if (stream_tls(c->wire.stream) != NULL)
		c->remote.tls = tls_pipe_version(stream_tls(c->wire.stream));
	log_login(c, info->text);
	learn_names(c);
	if (smtp_client_is_bare_auth(c->wire.smtp))
		learn(c, LEARNT_BARE_AUTH, 1);
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
		on_close(c, info);
		return true;
	}
	return false;
}

/* The server has answered after all. */
static void
note_silence(struct courier *c)
{
	int64_t since = smtp_client_waits_since(c->wire.smtp);

	if (!c->is_ready || is_past(c) || since == INT64_MAX ||
	    smtp_client_awaits_end(c->wire.smtp))
		return;
	pool_answered(c->pool,
	    now_ms(c) -
		(since > c->timing.heard_ms ? since : c->timing.heard_ms));
}

static bool
take_input(struct courier *c, int64_t now)
{
	if (wire_has_input(&c->wire)) {
		note_silence(c);
		c->timing.heard_ms = now;
		c->timing.has_greeted = true;
	}
	return wire_take(&c->wire);
}

/* Says QUIT when there is nothing more to do. */
static void
maybe_quit(struct courier *c)
{
	size_t max = pool_per_connection(c->pool);

	if (!c->is_ready || c->is_quitting || !list_is_empty(&c->deliveries))
		return;
	if (!c->service.is_over && !is_past(c) && pool_may_take(c->pool) &&
	    now_ms(c) < c->timing.keep_until &&
	    (max == 0 || c->service.carried < max))
		return;
	c->is_quitting = true;
	smtp_client_quit(c->wire.smtp);
	IGNORE(wire_give(&c->wire)); /* the deadline ends it at the latest */
}

/* --- silence --------------------------------------------------------------- */

/* During the TLS handshake the engine does not know about the wait. */
static int64_t
stalls_at(const struct courier *c)
{
	int64_t ms = c->timing.dialled_ms * SMTP_STALL_ROUNDS;

	if (c->wire.stream == NULL)
		return INT64_MAX; /* dialling has its own patience */
	if (c->wire.smtp != NULL && c->wire.handshake_by == INT64_MAX)
		return smtp_client_stalls_at(c->wire.smtp);
	return c->timing.heard_ms + (ms > SMTP_STALL_MS ? ms : SMTP_STALL_MS);
}

bool
courier_is_stalled(const struct courier *c)
{
	return now_ms(c) >= stalls_at(c);
}

bool
courier_is_growing(const struct courier *c)
{
	return takes_more(c) && smtp_client_is_growing(c->wire.smtp);
}

bool
courier_is_trusted(const struct courier *c)
{
	return c->is_ready && !courier_is_stalled(c) &&
	       smtp_client_is_trusted(c->wire.smtp);
}

bool
courier_is_asking(const struct courier *c)
{
	return !c->is_ready && courier_login_is_asking(&c->wire.login);
}

int64_t
courier_hopeless_at(const struct courier *c)
{
	int64_t since;

	/* Up to the greeting each step has a deadline as short as this. */
	if (c->wire.smtp == NULL || !c->timing.has_greeted ||
	    c->wire.handshake_by != INT64_MAX)
		return INT64_MAX;
	/* Nothing depends on the answer to QUIT. */
	if (c->is_quitting)
		return stalls_at(c);
	since = smtp_client_waits_since(c->wire.smtp);
	if (since == INT64_MAX || smtp_client_awaits_end(c->wire.smtp))
		return INT64_MAX;
	return (c->timing.heard_ms > since ? c->timing.heard_ms : since) +
	       pool_silence_ms(c->pool);
}

bool
courier_is_leaving(const struct courier *c)
{
	return c->is_quitting || c->service.is_over;
}

void
courier_retire(struct courier *c)
{
	c->service.is_over = true;
	drive(c);
}

void
courier_give_up(struct courier *c)
{
	char why[120];

	(void)snprintf(why, sizeof(why),
	    "the server has been silent for %d seconds, and other messages "
	    "wait",
	    (int)((now_ms(c) - c->timing.heard_ms) / 1000));
	if (c->is_ready && !is_past(c))
		pool_fell_silent(c->pool);
	c->timing.is_given_up = true;
	smtp_client_eof(c->wire.smtp, why);
	drive(c);
}

/* When the pool should look at this connection next. */
static int64_t
look_at(const struct courier *c)
{
	const int64_t times[] = { c->wire.smtp != NULL
				      ? smtp_client_overdue_at(c->wire.smtp)
				      : INT64_MAX,
		stalls_at(c), courier_hopeless_at(c) };
	int64_t at = INT64_MAX, now = now_ms(c);

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > now && times[i] < at)
			at = times[i];
	return at;
}

static void
set_timer(struct courier *c)
{
	int64_t at = c->wire.handshake_by, look = look_at(c);

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
		transport_failed(c);
		break;
	case WIRE_TIMED_OUT:
		handshake_timed_out(c);
		break;
	}
	return false;
}

static void
begin_smtp(struct courier *c)
{
	const struct account_opts *o = c->opts;
	struct smtp_client_opts opts = {
		.distrust = fact(c, LEARNT_DISTRUST),
		.is_bare_auth = fact(c, LEARNT_BARE_AUTH) != 0,
		.ehlo_refused = fact(c, LEARNT_NAMES_TRIED) |
				learnt_ehlo_refused(
				    fact(c, LEARNT_EHLO), o->ehlo_name),
		.tls = c->port.tls,
		.wants_auth = o->wants_auth,
		.is_plain_spoken = fact(c, LEARNT_PLAIN) != 0,
		.greeting_ms = c->timing.patience_ms,
		.is_vouched_for = is_vouched_for(c),
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
		int64_t now = now_ms(c);

		goes_on = take_input(c, now);
		c->timing.was_stalled = now >= stalls_at(c);
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
	pool_look(p);
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
		go(c, NULL);
		return;
	}
	drive(c);
}

/* --- dialling ------------------------------------------------------------- */

static const enum port_fault dial_reach[] = {
	[DIAL_OK] = PORT_UNTRIED,
	[DIAL_LOOKUP] = PORT_UNTRIED, /* not the port's fault */
	[DIAL_REFUSED] = PORT_REFUSED,
	[DIAL_SILENT] = PORT_SILENT,
	[DIAL_UNREACHABLE] = PORT_UNTRIED, /* nor here */
	[DIAL_OTHER] = PORT_RESET,
};

static void
dial_failed(struct courier *c, const struct dial_result *r)
{
	enum port_fault fault = dial_reach[r->fault];

	if (fault != PORT_UNTRIED)
		port_failed(c, fault, r->err.text);
	else if (!works_without(c, r->err.text))
		tell_trouble(c, ACCOUNT_TROUBLE, r->err.text);
	go(c, NULL);
}

static void
on_dialled(void *ctx, const struct dial_result *r)
{
	struct courier *c = ctx;
	struct tls_ctx *tls;
	struct err err;

	dial_free(c->dial);
	c->dial = NULL;
	if (r->fault != DIAL_OK) {
		dial_failed(c, r);
		return;
	}
	wire_connected(&c->wire, r->stream);
	c->timing.heard_ms = now_ms(c);
	c->timing.dialled_ms = c->timing.heard_ms - c->timing.opened_ms;
	stream_on_ready(c->wire.stream, on_ready, c);
	if (c->port.tls == SC_TLS_IMPLICIT &&
	    (account_tls(c->pool->account, &tls, &err) != 0 ||
		wire_start_tls(&c->wire, tls, c->timing.patience_ms, &err) !=
		    0)) {
		tell_trouble(c, ACCOUNT_TROUBLE, err.text);
		go(c, NULL);
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
	c->timing.opened_ms = c->timing.heard_ms = now_ms(c);
	c->timing.keep_until = c->timing.opened_ms + KEEP_MS;
	c->remote = (struct delivery_remote) {
		.who = c->wire.who, .tls = "", .go_on = on_ready, .ctx = c
	};
	c->timer = loop_timer_new(p->loop, on_timer, c);
	list_append(&p->couriers, &c->link);
	pool_count_connections(p, false);
	c->dial = dial_new(p->loop, c->opts->host, c->port.port,
	    c->timing.patience_ms, on_dialled, c);
}
