/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "smtp/smtp_client_impl.h"

enum { IN_MAX = 16384 }; /* replies not looked at yet */

/* --- life ----------------------------------------------------------------- */

struct smtp_client *
smtp_client_new(const struct smtp_client_opts *opts)
{
	struct smtp_client *c = xcalloc(1, sizeof(*c));

	c->opts = *opts;
	c->state = ST_GREETING;
	c->is_tls = opts->tls == SC_TLS_IMPLICIT;
	c->ehlo_refused = opts->ehlo_refused;
	c->login.is_bare = opts->is_bare_auth;
	buf_init(&c->in, IN_MAX);
	smtp_out_init(&c->out, SMTP_CLIENT_OUT_MAX);
	smtp_reply_init(&c->reply);
	buf_init(&c->login.challenge, SMTP_REPLY_MAX);
	buf_init(&c->login.initial, SMTP_AUTH_TEXT_MAX);
	c->pipeline = smtp_pipeline_new(&c->caps, &c->out, opts);
	return c;
}

void
smtp_client_free(struct smtp_client *c)
{
	if (c == NULL)
		return;
	sc_forget_login(c);
	buf_clear(&c->in);
	smtp_out_clear(&c->out);
	smtp_reply_clear(&c->reply);
	smtp_pipeline_free(c->pipeline);
	free(c);
}

/* --- EHLO ---------------------------------------------------------------- */

static const char *
ehlo_name(const struct smtp_client *c, size_t i)
{
	return i == 0 ? c->opts.ehlo_name : c->opts.ehlo_others[i - 1];
}

/* The first name that was not refused; false: none is left. */
static bool
pick_ehlo(struct smtp_client *c)
{
	for (size_t i = 0; i < SC_EHLO_NAMES_MAX; i++)
		if (ehlo_name(c, i) != NULL &&
		    (c->ehlo_refused & 1u << i) == 0) {
			c->ehlo = i;
			return true;
		}
	return false;
}

static void
say_ehlo(struct smtp_client *c)
{
	/* If all names were refused before, the first one is tried again. */
	if (!pick_ehlo(c))
		c->ehlo = 0;
	c->caps = (struct smtp_caps) { 0 };
	sc_say(c, ST_EHLO, "EHLO", ehlo_name(c, c->ehlo));
}

/* "HOST ESMTP XRELAIS ready" */
static bool
is_relaisd(const struct smtp_client *c)
{
	struct bytes text = smtp_reply_text(&c->reply);
	const char *blank = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;

	return blank != NULL &&
	       bytes_has_prefix_nocase(
		   bytes_of(blank, text.n - (size_t)(blank - text.p)),
		   " ESMTP XRELAIS ");
}

/* Jobs may be under way. */
static bool
is_open(const struct smtp_client *c)
{
	return c->state == ST_READY || c->state == ST_AHEAD;
}

/* --- silence ------------------------------------------------------------- */

/* This time, but at least this many round trips. */
static int64_t
span_ms(const struct smtp_client *c, int64_t ms, int rounds)
{
	return c->time.round_trip_ms * rounds > ms
		   ? c->time.round_trip_ms * rounds
		   : ms;
}

static bool
has_unsent(const struct smtp_client *c)
{
	return !smtp_out_is_empty(&c->out) || c->out.unsent > 0;
}

/* When the oldest command that has no reply was sent. */
static int64_t
asked_at(const struct smtp_client *c)
{
	if (c->state == ST_READY)
		return smtp_pipeline_waits_since(c->pipeline);
	return sc_step_now(c) == SMTP_STEP_NONE || has_unsent(c)
		   ? INT64_MAX
		   : c->time.since_ms;
}

int64_t
smtp_client_waits_since(const struct smtp_client *c)
{
	int64_t asked = asked_at(c);

	if (c->state == ST_CLOSED || !c->time.has_now)
		return INT64_MAX;
	/* The server accepts no more bytes, or only slowly. */
	return has_unsent(c) && c->time.since_ms < asked ? c->time.since_ms
							 : asked;
}

static int64_t
after(int64_t since_ms, int64_t ms)
{
	return since_ms == INT64_MAX ? INT64_MAX : since_ms + ms;
}

/* As long as replies arrive, later commands get theirs in turn. */
static int64_t
late_at(const struct smtp_client *c, int64_t ms, int rounds)
{
	int64_t since = smtp_client_waits_since(c);

	return after(since > c->time.heard_ms ? since : c->time.heard_ms,
	    span_ms(c, ms, rounds));
}

int64_t
smtp_client_overdue_at(const struct smtp_client *c)
{
	return late_at(c, SMTP_OVERDUE_MS, SMTP_OVERDUE_ROUNDS);
}

int64_t
smtp_client_stalls_at(const struct smtp_client *c)
{
	return after(smtp_client_waits_since(c),
	    span_ms(c, SMTP_STALL_MS, SMTP_STALL_ROUNDS));
}

bool
smtp_client_awaits_end(const struct smtp_client *c)
{
	return !has_unsent(c) && sc_step_now(c) == SMTP_STEP_END;
}

bool
smtp_client_is_growing(const struct smtp_client *c)
{
	return c->state == ST_READY && !c->wants_quit && !c->is_eof &&
	       c->time.now_ms < smtp_client_overdue_at(c) &&
	       smtp_pipeline_is_growing(c->pipeline);
}

void
smtp_client_vouch(struct smtp_client *c)
{
	smtp_pipeline_vouch(c->pipeline);
}

bool
smtp_client_is_trusted(const struct smtp_client *c)
{
	return c->state == ST_READY &&
	       c->time.now_ms < smtp_client_overdue_at(c) &&
	       smtp_pipeline_is_trusted(c->pipeline);
}

/* Not how long the connection took: a proxy on this machine makes one at
 * once. */
static void
note_round_trip(struct smtp_client *c, int64_t ms)
{
	if (ms < 1)
		ms = 1;
	if (c->time.round_trip_ms == 0 || ms < c->time.round_trip_ms)
		c->time.round_trip_ms = ms;
}

int64_t
smtp_client_round_trip_ms(const struct smtp_client *c)
{
	return c->time.round_trip_ms;
}

static size_t
jobs_max(const struct smtp_client *c)
{
	if (c->time.now_ms >= smtp_client_stalls_at(c))
		return 0;
	return c->time.now_ms >= smtp_client_overdue_at(c) ? SMTP_OVERDUE_JOBS
							   : SIZE_MAX;
}

/* --- replies -------------------------------------------------------------- */

static void
on_greeting(struct smtp_client *c)
{
	if (c->reply.code == 220 && c->opts.if_relaisd != NULL &&
	    is_relaisd(c)) {
		say_ehlo(c);
		c->caps = *c->opts.if_relaisd;
		c->state = ST_AHEAD;
		c->pending = SC_READY;
	} else if (c->reply.code == 220)
		say_ehlo(c);
	else if (c->reply.code / 100 >= 4)
		sc_over_reply(c, SC_TROUBLE_REFUSED);
	else
		sc_over_misfit(c);
}

static void
after_hello(struct smtp_client *c)
{
	if (c->opts.tls == SC_TLS_STARTTLS && !c->is_tls) {
		if (c->caps.has_starttls) {
			sc_say(c, ST_STARTTLS, "STARTTLS", NULL);
			return;
		}
		sc_over_local(c, SC_TROUBLE_NO_TLS, STAGE_TLS,
		    "the server offered no STARTTLS, so nothing was sent; if "
		    "it wants TLS from the first byte, set tls = implicit");
		sc_say_quit(c);
	} else if (c->opts.wants_auth) {
		sc_begin_login(c);
	} else {
		sc_become_ready(c);
	}
}

/* The refusal is about the name, not the command (RFC 5321 4.1.1.1, 4.2.4).
 * 550 and similar codes may be about our address as well, and another name does
 * not help then. */
static bool
is_about_name(const struct smtp_reply *r)
{
	static const char *const words[] = { "*helo*", "*ehlo*", "*hostname*",
		"*host name*", "*domain name*", "*literal*", "*fqdn*",
		"*fully*qualified*" };
	struct verdict v;

	if (r->code == 501 || r->code == 504)
		return true;
	if (r->code != 550 && r->code != 553 && r->code != 554)
		return false;
	smtp_reply_verdict(r, STAGE_EHLO, &v);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_match(words[i], v.text))
			return true;
	return false;
}

static void
on_ehlo_refused(struct smtp_client *c, bool may_helo)
{
	bool is_name = is_about_name(&c->reply);

	if (is_name)
		c->ehlo_refused |= 1u << c->ehlo;
	if (is_name && pick_ehlo(c)) {
		say_ehlo(c);
		return;
	}
	if (may_helo)
		sc_say(c, ST_HELO, "HELO", ehlo_name(c, 0));
	else
		sc_over_reply(
		    c, is_name ? SC_TROUBLE_NAME : SC_TROUBLE_REFUSED);
}

static void
on_ehlo_reply(struct smtp_client *c)
{
	/* HELO knows neither TLS nor AUTH, so it is tried only where neither
	 * is wanted (RFC 5321 3.2). */
	bool may_helo = !c->opts.wants_auth &&
			(c->is_tls || c->opts.tls == SC_TLS_OFF);

	if (c->reply.code / 100 == 2) {
		smtp_caps_parse(&c->caps, smtp_reply_text(&c->reply));
		smtp_caps_distrust(&c->caps, c->opts.distrust);
		after_hello(c);
	} else if (c->reply.code / 100 == 5) {
		on_ehlo_refused(c, may_helo);
	} else if (c->reply.code / 100 >= 4) {
		sc_over_reply(c, SC_TROUBLE_REFUSED);
	} else {
		sc_over_misfit(c);
	}
}

/* If EHLO is refused, no later reply counts. */
static void
on_ehlo_ahead(struct smtp_client *c)
{
	if (c->reply.code / 100 == 2) {
		c->state = ST_READY;
		return;
	}
	smtp_reply_verdict(&c->reply, STAGE_EHLO, &c->ending.why);
	sc_over(c, SC_TROUBLE_REFUSED, false);
}

static void
on_helo_reply(struct smtp_client *c)
{
	if (c->reply.code / 100 == 2)
		after_hello(c);
	else if (c->reply.code / 100 >= 4)
		sc_over_reply(c, SC_TROUBLE_REFUSED);
	else
		sc_over_misfit(c);
}

static void
on_starttls_reply(struct smtp_client *c)
{
	if (c->reply.code / 100 >= 4) {
		sc_over_reply(c, SC_TROUBLE_NO_TLS);
	} else if (c->reply.code != 220) {
		sc_over_misfit(c);
	} else if (buf_len(&c->in) > 0) {
		/* R5: someone else may have injected this text, to be taken for
		 * the server's once TLS is up.  We do not even answer it with
		 * QUIT. */
		sc_over_local(c, SC_TROUBLE_NO_TLS, STAGE_TLS,
		    "clear text followed the server's answer to STARTTLS: "
		    "someone may be tampering with the connection");
	} else {
		c->state = ST_TLS;
		c->pending = SC_STARTTLS;
	}
}

/* True: a transaction has shown that the session is unusable.  A server that
 * did not understand BDAT accepts nothing after it; one that is out of step may
 * be in step again. */
static bool
over_session(struct smtp_client *c)
{
	enum sc_trouble trouble = smtp_pipeline_trouble(
	    c->pipeline, &c->ending.why);

	if (trouble == SC_TROUBLE_NONE)
		return false;
	sc_over(c, trouble, c->ending.why.code == 503);
	return true;
}

static void
on_job_reply(struct smtp_client *c)
{
	switch (smtp_pipeline_reply(c->pipeline, &c->reply)) {
	case SMTP_PIPELINE_OK:
		break;
	case SMTP_PIPELINE_OVER:
		if (over_session(c))
			break;
		sc_over_local(c, SC_TROUBLE_LOST, STAGE_DATA,
		    "the server answered before it had the whole message");
		break;
	case SMTP_PIPELINE_BAD:
		sc_over_misfit(c);
		break;
	}
}

static void
on_quit_reply(struct smtp_client *c)
{
	sc_over(c, SC_TROUBLE_NONE, false);
}

static void
on_421(struct smtp_client *c)
{
	smtp_reply_verdict(
	    &c->reply, smtp_step_stage(sc_step_now(c)), &c->ending.why);
	/* RFC 5321 3.8: the server closes and ignores all later commands. */
	sc_over(c, sc_states[c->state].on_421, false);
}

static void (*const on_reply[ST_COUNT])(struct smtp_client *c) = {
	[ST_GREETING] = on_greeting,
	[ST_EHLO] = on_ehlo_reply,
	[ST_HELO] = on_helo_reply,
	[ST_STARTTLS] = on_starttls_reply,
	[ST_TLS] = sc_over_misfit,
	[ST_LOGIN] = sc_over_misfit,
	[ST_AUTH] = sc_on_auth_reply,
	[ST_READY] = on_job_reply,
	[ST_AHEAD] = on_ehlo_ahead,
	[ST_QUIT] = on_quit_reply,
};

static void
handle_reply(struct smtp_client *c)
{
	bool was_stalled = c->time.now_ms >= smtp_client_stalls_at(c);
	int64_t asked = asked_at(c);

	if (asked != INT64_MAX && c->state != ST_GREETING)
		note_round_trip(c, c->time.now_ms - asked);
	c->time.since_ms = c->time.heard_ms = c->time.now_ms;
	if (c->reply.code == 421)
		on_421(c);
	else if (!is_open(c) && c->state != ST_QUIT &&
		 !smtp_out_is_empty(&c->out))
		sc_over_misfit(c); /* an answer before the question */
	else
		on_reply[c->state](c);
	if (was_stalled)
		smtp_pipeline_was_silent(c->pipeline);
	smtp_reply_reset(&c->reply);
}

/* The input is not a reply.  The usual causes have their own sentence. */
static void
on_garbage(struct smtp_client *c, unsigned char first)
{
	if (c->state == ST_QUIT)
		sc_over(c, SC_TROUBLE_NONE, false);
	else if (c->state == ST_GREETING && (first == 0x15 || first == 0x16))
		sc_over_protocol(c,
		    "the server speaks TLS from the first byte: set "
		    "tls = implicit");
	else if (c->state == ST_GREETING)
		sc_over_protocol(c, "this is not a mail server (no SMTP)");
	else
		sc_over_protocol(c,
		    "the server's answer is not SMTP, or longer than "
		    "any honest one");
}

/* No more will be heard: a refusal of a message that had begun counts, and is
 * not taken for an answer that was lost. */
static void
take_begun_refusal(struct smtp_client *c)
{
	if (c->state == ST_READY && smtp_reply_is_refusal(&c->reply))
		handle_reply(c);
}

/* True: something happened. */
static bool
take_reply(struct smtp_client *c)
{
	size_t used, n = buf_len(&c->in);
	unsigned char first;

	if (n == 0 || c->state == ST_CLOSED)
		return false;
	first = (unsigned char)buf_str(&c->in)[0];
	switch (smtp_reply_put(&c->reply, buf_str(&c->in), n, &used)) {
	case SMTP_REPLY_MORE:
		buf_drop(&c->in, used);
		return false;
	case SMTP_REPLY_DONE:
		buf_drop(&c->in, used);
		handle_reply(c);
		return true;
	case SMTP_REPLY_BAD:
		on_garbage(c, first);
		return true;
	}
	return false;
}

/* The stage at which the connection was lost.  A transaction in progress is not
 * the cause. */
static enum verdict_stage
lost_stage(const struct smtp_client *c)
{
	if (c->state == ST_TLS)
		return STAGE_TLS;
	if (c->state == ST_READY)
		return STAGE_CONNECT;
	return smtp_step_stage(sc_states[c->state].step);
}

static void
on_eof(struct smtp_client *c)
{
	take_begun_refusal(c);
	if (c->state == ST_QUIT)
		sc_over(c, SC_TROUBLE_NONE, false);
	else if (c->state != ST_CLOSED)
		sc_over_local(c, SC_TROUBLE_LOST, lost_stage(c), c->eof_why);
}

/* --- the crank ------------------------------------------------------------ */

static void
produce(struct smtp_client *c)
{
	if (is_open(c))
		smtp_pipeline_produce(c->pipeline);
	if (c->wants_quit && c->pending == SC_IDLE &&
	    (c->state == ST_READY ||
		(c->state == ST_LOGIN && c->login.asked == SC_AUTH)) &&
	    smtp_pipeline_is_empty(c->pipeline))
		sc_say(c, ST_QUIT, "QUIT", NULL);
}

/* True: an event was found. */
static bool
find_event(struct smtp_client *c, struct sc_info *ret, enum sc_event *ret_ev)
{
	*ret_ev = smtp_pipeline_event(c->pipeline, ret);
	if (*ret_ev != SC_IDLE) {
		if (smtp_pipeline_is_empty(c->pipeline))
			smtp_out_shrink(&c->out);
		return true;
	}
	if (c->pending != SC_IDLE) {
		*ret_ev = c->pending;
		c->pending = SC_IDLE;
		sc_lend_login(c, *ret_ev, ret);
		return true;
	}
	if (c->state != ST_CLOSED || c->ending.is_told)
		return false;
	c->ending.is_told = true;
	ret->trouble = c->ending.trouble;
	ret->verdict = c->ending.why;
	*ret_ev = SC_CLOSE;
	return true;
}

/* True: the state moved on. */
static bool
advance(struct smtp_client *c)
{
	if (take_reply(c))
		return true;
	if (c->state == ST_CLOSED)
		return false;
	if (c->is_eof) {
		on_eof(c);
		return true;
	}
	if (c->state == ST_READY && smtp_pipeline_is_empty(c->pipeline) &&
	    over_session(c)) {
		sc_say_quit(c);
		return true;
	}
	if (c->body_why[0] != '\0' && smtp_pipeline_has_settled(c->pipeline)) {
		sc_over_local(c, SC_TROUBLE_LOST, STAGE_LOCAL, c->body_why);
		return true;
	}
	return false;
}

enum sc_event
smtp_client_next(struct smtp_client *c, struct sc_info *ret_info)
{
	enum sc_event ev;

	memset(ret_info, 0, sizeof(*ret_info));
	do {
		if (find_event(c, ret_info, &ev))
			return ev;
	} while (advance(c));
	produce(c);
	if (find_event(c, ret_info, &ev)) /* a job can end without a reply */
		return ev;
	produce(c); /* QUIT may have waited for the end of that job */
	if (is_open(c) && !c->is_body_told &&
	    smtp_pipeline_wants_body(c->pipeline, &ret_info->job)) {
		c->is_body_told = true;
		return SC_WANT_BODY;
	}
	return SC_IDLE;
}

size_t
smtp_client_room(const struct smtp_client *c)
{
	if (c->state == ST_TLS || c->state == ST_CLOSED)
		return 0;
	return buf_room(&c->in);
}

void
smtp_client_put(struct smtp_client *c, const void *p, size_t n)
{
	bool ok;

	assert(n <= smtp_client_room(c));
	ok = buf_add(&c->in, p, n);
	assert(ok);
	(void)ok;
}

void
smtp_client_eof(struct smtp_client *c, const char *why)
{
	if (c->is_eof)
		return;
	c->is_eof = true;
	IGNORE(str_copy(c->eof_why, sizeof(c->eof_why),
	    bytes_str(why))); /* cut is good enough */
}

size_t
smtp_client_peek(struct smtp_client *c, const void **ret_p)
{
	produce(c);
	*ret_p = buf_str(&c->out.buf);
	return buf_len(&c->out.buf);
}

/* Notes since when there has been something to send without a break. */
static void
see_sending(struct smtp_client *c)
{
	if (smtp_out_is_empty(&c->out)) {
		c->sending.is_on = false;
	} else if (!c->sending.is_on) {
		c->sending.is_on = true;
		c->sending.since_ms = c->time.now_ms;
		c->sending.from_bytes = c->out.sent_bytes;
	}
}

void
smtp_client_sent(struct smtp_client *c, size_t n)
{
	smtp_out_sent(&c->out, n);
	smtp_pipeline_sent(c->pipeline);
	c->time.since_ms = c->time.now_ms;
	see_sending(c);
}

void
smtp_client_unsent(struct smtp_client *c, size_t n)
{
	if (n < c->out.unsent)
		c->time.since_ms = c->time.now_ms;
	c->out.unsent = n;
	smtp_pipeline_sent(c->pipeline);
}

/* --- time ----------------------------------------------------------------- */

/* For each step the words of its timeout, and the time limit. */
static const struct {
	const char *words;
	int64_t ms;
} steps[SMTP_STEP_COUNT] = {
	[SMTP_STEP_NONE] = { "", INT64_MAX },
	[SMTP_STEP_GREETING] = { "sent no greeting", SMTP_GREETING_MS },
	[SMTP_STEP_EHLO] = { "did not answer EHLO", SMTP_EHLO_MS },
	[SMTP_STEP_HELO] = { "did not answer HELO", SMTP_EHLO_MS },
	[SMTP_STEP_STARTTLS] = { "did not answer STARTTLS", SMTP_STARTTLS_MS },
	[SMTP_STEP_AUTH] = { "did not answer AUTH", SMTP_AUTH_MS },
	[SMTP_STEP_RSET] = { "did not answer RSET", SMTP_MAIL_MS },
	[SMTP_STEP_MAIL] = { "did not answer MAIL", SMTP_MAIL_MS },
	[SMTP_STEP_RCPT] = { "did not answer RCPT", SMTP_RCPT_MS },
	[SMTP_STEP_DATA] = { "did not answer DATA", SMTP_DATA_MS },
	[SMTP_STEP_END] = { "did not answer the end of the message",
	    SMTP_END_MS },
	[SMTP_STEP_QUIT] = { "did not answer QUIT", SMTP_QUIT_MS },
};

static int64_t
cap_ms(const struct smtp_client *c, int64_t ms)
{
	return c->opts.step_ms_max != 0 && ms > c->opts.step_ms_max
		   ? c->opts.step_ms_max
		   : ms;
}

/* How long the current step may take; INT64_MAX: the driver must act first. */
static int64_t
patience_ms(const struct smtp_client *c)
{
	enum smtp_step step = sc_step_now(c);

	if (c->state == ST_CLOSED || c->state == ST_TLS || c->state == ST_LOGIN)
		return INT64_MAX;
	if (!smtp_out_is_empty(&c->out))
		return cap_ms(c, SMTP_BLOCK_MS);
	if (step == SMTP_STEP_NONE)
		return INT64_MAX;
	if (step == SMTP_STEP_GREETING && c->opts.greeting_ms != 0)
		return cap_ms(c, c->opts.greeting_ms);
	return cap_ms(c, steps[step].ms);
}

/* R68: a server that accepts a byte now and then could take forever. */
static int64_t
slow_at(const struct smtp_client *c)
{
	if (!c->sending.is_on || c->state != ST_READY)
		return INT64_MAX;
	return c->sending.since_ms + SMTP_SLOW_MS +
	       (int64_t)((c->out.sent_bytes - c->sending.from_bytes) /
			 SMTP_SLOW_BYTES) *
		   1000;
}

int64_t
smtp_client_deadline(const struct smtp_client *c)
{
	int64_t ms = patience_ms(c), slow = slow_at(c);

	if (ms == INT64_MAX)
		return INT64_MAX;
	if (!c->time.has_now)
		return 0;
	return c->time.since_ms + ms < slow ? c->time.since_ms + ms : slow;
}

static void
on_timeout(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX], span[NUM_TEXT_SIZE];
	enum smtp_step step = sc_step_now(c);
	bool is_blocked = !smtp_out_is_empty(&c->out);

	if (c->state == ST_QUIT) {
		sc_over(c, SC_TROUBLE_NONE, false);
		return;
	}
	(void)num_duration_text(patience_ms(c), span);
	if (c->time.now_ms >= slow_at(c))
		(void)snprintf(text, sizeof(text),
		    "the server took less than %d bytes a second, for longer "
		    "than %s",
		    SMTP_SLOW_BYTES, num_duration_text(SMTP_SLOW_MS, span));
	else
		(void)snprintf(text, sizeof(text), "the server %s within %s%s",
		    is_blocked ? "took no more bytes" : steps[step].words, span,
		    step == SMTP_STEP_GREETING && !c->is_tls
			? "; if it wants TLS from the first byte, set tls = "
			  "implicit"
			: "");
	take_begun_refusal(c);
	if (c->state != ST_CLOSED)
		sc_over_local(c, SC_TROUBLE_LOST, lost_stage(c), text);
}

void
smtp_client_tick(struct smtp_client *c, int64_t now_ms)
{
	if (!c->time.has_now) {
		c->time.has_now = true;
		c->time.since_ms = now_ms;
	}
	c->time.now_ms = now_ms;
	smtp_pipeline_tick(c->pipeline, now_ms,
	    now_ms >= late_at(c, SMTP_LATE_MS, SMTP_LATE_ROUNDS));
	if (now_ms >= smtp_client_stalls_at(c))
		smtp_pipeline_take_back(c->pipeline);
	see_sending(c);
	/* Unread bytes may contain the reply that is waited for. */
	if (buf_len(&c->in) == 0 && now_ms >= smtp_client_deadline(c))
		on_timeout(c);
}

/* --- answers to events ---------------------------------------------------- */

void
smtp_client_tls_up(struct smtp_client *c)
{
	if (c->state != ST_TLS)
		return;
	c->is_tls = true;
	/* RFC 3207 4.2: nothing learnt in clear counts. */
	say_ehlo(c);
}

bool
smtp_client_may_send(const struct smtp_client *c)
{
	return is_open(c) && c->pending == SC_IDLE && !c->is_eof &&
	       !c->wants_quit &&
	       smtp_pipeline_may_add(c->pipeline, jobs_max(c));
}

bool
smtp_client_is_used_up(const struct smtp_client *c)
{
	return smtp_pipeline_is_used_up(c->pipeline);
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_job *job)
{
	assert(smtp_client_may_send(c));
	if (smtp_pipeline_is_empty(c->pipeline)) {
		if (c->time.now_ms - c->time.heard_ms >=
		    span_ms(c, SMTP_STALL_MS, SMTP_STALL_ROUNDS))
			smtp_pipeline_was_idle(c->pipeline);
		c->time.since_ms = c->time.now_ms;
	}
	smtp_pipeline_add(c->pipeline, job);
	produce(c);
}

size_t
smtp_client_body(struct smtp_client *c, const void *p, size_t n)
{
	c->is_body_told = false;
	return is_open(c) ? smtp_pipeline_body(c->pipeline, p, n) : 0;
}

void
smtp_client_body_failed(struct smtp_client *c, const char *why)
{
	smtp_pipeline_stop(c->pipeline);
	IGNORE(str_copy(c->body_why, sizeof(c->body_why),
	    bytes_str(why))); /* cut is good enough */
}

void
smtp_client_quit(struct smtp_client *c)
{
	c->wants_quit = true;
	produce(c);
}

bool
smtp_client_is_idle(const struct smtp_client *c)
{
	return c->state == ST_READY && c->pending == SC_IDLE &&
	       smtp_pipeline_is_empty(c->pipeline);
}

unsigned
smtp_client_ehlo_refused(const struct smtp_client *c)
{
	return c->ehlo_refused;
}

unsigned
smtp_client_distrust(const struct smtp_client *c)
{
	return smtp_pipeline_distrust(c->pipeline);
}

bool
smtp_client_lost_bdat(const struct smtp_client *c)
{
	return smtp_pipeline_lost_bdat(c->pipeline);
}

const struct smtp_caps *
smtp_client_caps(const struct smtp_client *c)
{
	return &c->caps;
}
