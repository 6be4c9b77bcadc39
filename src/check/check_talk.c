/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check_talk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/account_opts.h"
#include "base/intl.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mail/diagnosis.h"
#include "mail/msgid.h"
#include "net/loop.h"
#include "net/stream.h"
#include "outbound/wire.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "tls/tls_ctx.h"
#include "tls/tls_pipe.h"

enum {
	LINGER_MS = 2000,
	MESSAGE_MAX = 4096,
	DAY_S = 24 * 3600,
	EXPIRES_SOON_DAYS = 14,
	TAG_PROBE = 1,
	TAG_MESSAGE = 2
};

struct check_talk {
	struct loop *loop;
	struct check_talk_opts opts;
	struct check_talk_hooks hooks;
	struct tls_ctx *tls;
	struct err tls_trouble; /* on this machine; class ERR_NONE: none */
	struct wire wire;
	struct loop_timer *timer;
	int64_t since_ms; /* when this stage began */
	bool has_ehlo, has_secret, is_ready;
	bool is_over; /* which is told by soon */
	struct loop_task soon;
	struct check_talk_end end;
	struct buf message;
	size_t message_at;
	struct smtp_job_rcpt to;
	struct smtp_job job;
};

/* --- telling -------------------------------------------------------------- */

static void
result_begin(const struct check_talk *t, enum check_stage stage,
    enum check_verdict verdict, struct check_result *ret)
{
	*ret = (struct check_result) {
		.stage = stage,
		.verdict = verdict,
		.port = t->opts.port.port,
		.family = t->opts.family,
		.took_ms = loop_now_ms(t->loop) - t->since_ms,
	};
}

/* The stage went well; the next one begins. */
static void passed(struct check_talk *t, enum check_stage stage,
    const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void
passed(struct check_talk *t, enum check_stage stage, const char *advice,
    const char *fmt, ...)
{
	struct check_result r;
	va_list ap;

	result_begin(t, stage, CHECK_OK, &r);
	va_start(ap, fmt);
	(void)vsnprintf(r.seen, sizeof(r.seen), fmt, ap);
	va_end(ap);
	(void)snprintf(r.advice, sizeof(r.advice), "%s", advice);
	t->since_ms = loop_now_ms(t->loop);
	if (!t->opts.is_tls_probe)
		t->hooks.told(t->hooks.ctx, &r);
}

static void
on_soon(struct loop_task *task)
{
	struct check_talk *t = list_entry(task, struct check_talk, soon);

	t->hooks.over(t->hooks.ctx, &t->end); /* which may free it */
}

static void
over(struct check_talk *t, enum check_talk_fault fault,
    const struct check_result *failure)
{
	if (t->is_over)
		return;
	t->is_over = true;
	loop_timer_set(t->timer, INT64_MAX);
	t->end = (struct check_talk_end) { .fault = fault,
		.names_refused = t->wire.smtp != NULL
				     ? smtp_client_ehlo_refused(t->wire.smtp)
				     : 0,
		.has_spoken_tls = stream_tls_is_up(t->wire.stream) ||
				  (stream_error(t->wire.stream) != NULL &&
				      stream_error(t->wire.stream)->class ==
					  ERR_CERTIFICATE),
		.has_secret = t->has_secret };
	if (failure != NULL)
		t->end.failure = *failure;
	loop_soon(t->loop, &t->soon);
}

static void
failed(struct check_talk *t, enum check_stage stage, enum check_verdict verdict,
    enum check_talk_fault fault, const char *seen, const char *advice)
{
	struct check_result r;

	result_begin(t, stage, verdict, &r);
	(void)snprintf(r.seen, sizeof(r.seen), "%s", seen);
	(void)snprintf(r.advice, sizeof(r.advice), "%s", advice);
	over(t, fault, &r);
}

static const char trouble_advice[] = N_(
    "the provider or the network is in trouble; try again later");

/* A reply that is no good: its own words, and what relais knows about it. */
static void
refused(struct check_talk *t, enum check_stage stage, const struct verdict *v)
{
	struct diagnosis d = diagnose(v, t->opts.account->host);
	bool is_later = v->code / 100 != 5 || d.act == DIAGNOSIS_RETRY ||
			d.act == DIAGNOSIS_PAUSE || d.act == DIAGNOSIS_QUOTA;
	struct buf seen;
	char advice[CHECK_ADVICE_MAX];

	buf_init(&seen, CHECK_SEEN_MAX);
	verdict_text(v, &seen);
	(void)snprintf(advice, sizeof(advice), "%s%s%s", d.cause,
	    d.cause[0] != '\0' && d.remedy[0] != '\0' ? "; " : "", d.remedy);
	/* Nothing is known of it, as of a connection that was cut. */
	if (advice[0] == '\0' && is_later)
		(void)snprintf(advice, sizeof(advice), "%s", trouble_advice);
	failed(t, stage, is_later ? CHECK_LATER : CHECK_PERSON,
	    CHECK_TALK_FAILED, buf_str(&seen), advice);
	buf_clear(&seen);
}

/* --- tls ------------------------------------------------------------------ */

/* "; it expires on 2027-01-20, in 53 days"; and whether that is soon. */
static void
tell_tls(struct check_talk *t)
{
	const struct tls_pipe *pipe = stream_tls(t->wire.stream);
	int64_t until_s = tls_pipe_expires_s(pipe), days;
	char date[DATE_TEXT_SIZE];
	const char *advice = "";

	days = (until_s - clock_wall_ms(loop_clock(t->loop)) / 1000) / DAY_S;
	(void)date_iso(until_s * 1000, 0, date);
	date[strcspn(date, "T")] = '\0';
	if (days < EXPIRES_SOON_DAYS)
		advice = "the provider has to renew this certificate soon; "
			 "when it has expired, mail waits";
	passed(t, CHECK_TLS, advice,
	    days == 1 ? N_("%s, certificate for %s good until %s (%lld day)")
		      : N_("%s, certificate for %s good until %s (%lld days)"),
	    tls_pipe_version(pipe), t->opts.account->host, date,
	    (long long)days);
}

static int
start_tls(struct check_talk *t, struct err *err)
{
	struct tls_client_opts opts = t->opts.account->tls;

	if (t->tls == NULL && tls_ctx_new_client(&opts, &t->tls, err) != 0)
		return -1;
	if (wire_start_tls(&t->wire, t->tls, t->opts.step_ms, err) != 0)
		return -1;
	t->since_ms = loop_now_ms(t->loop);
	return 0;
}

static void
tls_failed(struct check_talk *t)
{
	const struct err *e = stream_error(t->wire.stream);
	const char *advice = "";
	char seen[CHECK_SEEN_MAX];

	(void)snprintf(seen, sizeof(seen), "%s",
	    e != NULL ? e->text
		      : "the connection was closed during the TLS handshake");
	if (e != NULL && e->class == ERR_CERTIFICATE &&
	    strstr(e->text, ", not ") != NULL)
		advice = "the connection is intercepted (by a firewall, a "
			 "virus scanner or the login page of a hotspot), or "
			 "host is not the name of this server: use the name in "
			 "the certificate";
	else if (e != NULL && e->class == ERR_TLS && t->wire.smtp == NULL)
		advice = "the connection is intercepted, or the port and tls "
			 "of this account do not fit together";
	else if (e == NULL)
		advice = "a firewall that lets no TLS through may have cut it; "
			 "try another port or another network";
	failed(t, CHECK_TLS, e != NULL ? CHECK_PERSON : CHECK_LATER,
	    CHECK_TALK_WRONG_PORT, seen, advice);
}

/* True: the engine may be driven. */
static bool
handshake_is_over(struct check_talk *t)
{
	switch (wire_handshake(&t->wire)) {
	case WIRE_READY:
		return true;
	case WIRE_TLS_UP:
		if (t->opts.is_tls_probe)
			over(t, CHECK_TALK_FINE, NULL);
		else
			tell_tls(t);
		return !t->is_over;
	case WIRE_WAITS:
		loop_timer_set(t->timer, t->wire.handshake_by);
		break;
	case WIRE_BROKEN:
		tls_failed(t);
		break;
	case WIRE_TIMED_OUT:
		failed(t, CHECK_TLS, CHECK_LATER, CHECK_TALK_WRONG_PORT,
		    "no answer to the TLS handshake",
		    "if the port wants clear text first, set tls = starttls");
		break;
	}
	return false;
}

/* --- ehlo, secret, auth --------------------------------------------------- */

static void
tell_ehlo(struct check_talk *t)
{
	const struct smtp_caps *caps = smtp_client_caps(t->wire.smtp);
	char size[40] = "";

	if (t->has_ehlo)
		return;
	t->has_ehlo = true;
	if (caps->size_max_bytes != 0)
		(void)snprintf(
		    size, sizeof(size), " SIZE %" PRIu64, caps->size_max_bytes);
	passed(t, CHECK_EHLO,
	    t->opts.port.tls == SC_TLS_OFF
		? "tls = off: whatever is sent here can be read on the way"
		: "",
	    "AUTH %s%s%s%s%s", caps->auth[0] != '\0' ? caps->auth : "none",
	    size, caps->has_8bitmime ? " 8BITMIME" : "",
	    caps->has_smtputf8 ? " SMTPUTF8" : "",
	    caps->has_pipelining ? " PIPELINING" : "");
}

static void
tell_secret(struct check_talk *t)
{
	struct check_result r;

	if (t->has_secret || !courier_login_is_asking(&t->wire.login))
		return;
	t->has_secret = true;
	check_result_secret(&r, t->opts.secret_from, &t->wire.login.facts,
	    clock_wall_ms(loop_clock(t->loop)) / 1000);
	passed(t, CHECK_SECRET, "", "%s", r.seen);
}

static void
on_ready(struct check_talk *t, const struct sc_info *info)
{
	if (t->is_ready)
		return;
	tell_ehlo(t);
	t->is_ready = true;
	courier_login_forget(&t->wire.login);
	if (t->opts.account->wants_auth)
		passed(t, CHECK_AUTH, "", "%.*s as %s", (int)info->text.n,
		    info->text.p, t->opts.account->user);
	if (t->opts.account->identity.address == NULL) {
		over(t, CHECK_TALK_FINE, NULL);
		return;
	}
	t->to = (struct smtp_job_rcpt) {
		.addr = t->opts.account->identity.address
	};
	t->job = (struct smtp_job) { .tag = TAG_PROBE,
		.sender = t->opts.account->identity.address,
		.rcpts = &t->to,
		.nrcpts = 1,
		.is_probe = true };
	smtp_client_send(t->wire.smtp, &t->job);
}

/* --- mail, send ----------------------------------------------------------- */

static void
write_message(struct check_talk *t)
{
	const struct clock *clock = loop_clock(t->loop);
	const struct identity_opts *id = &t->opts.account->identity;
	int64_t wall_ms = clock_wall_ms(clock);
	char date[DATE_TEXT_SIZE], unique[20];
	uint64_t number;
	struct buf *b = &t->message;

	rng_fill(t->opts.rng, &number, sizeof(number));
	(void)snprintf(unique, sizeof(unique), "%016" PRIx64, number);
	buf_reset(b);
	/* All of it fits. */
	IGNORE(buf_addf(b,
	    "From: <%s>\r\nTo: <%s>\r\nSubject: relais: test of account "
	    "%s\r\nDate: %s\r\nMessage-ID: ",
	    id->address, t->opts.send_to, t->opts.account->name,
	    date_rfc5322(wall_ms, clock_utc_offset_s(clock, wall_ms), date)));
	IGNORE(msgid_value(b, unique, id->hostname, id->address, wall_ms));
	IGNORE(buf_addf(b,
	    "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=utf-8\r\nAuto-Submitted: auto-generated\r\n\r\n"
	    "This message was sent by \"relais check --send\".  It went "
	    "through %s as\r\n%s.  If you can read it, mail works.\r\n",
	    t->opts.account->host, id->address));
}

static void
send_message(struct check_talk *t)
{
	bool is_ascii = true;

	write_message(t);
	for (size_t i = 0; i < buf_len(&t->message); i++)
		is_ascii &= (unsigned char)buf_str(&t->message)[i] < 128;
	t->to.addr = t->opts.send_to;
	t->job = (struct smtp_job) { .tag = TAG_MESSAGE,
		.sender = t->opts.account->identity.address,
		.rcpts = &t->to,
		.nrcpts = 1,
		.size_bytes = buf_len(&t->message),
		.needs_utf8 = !is_ascii };
	t->message_at = 0;
	smtp_client_send(t->wire.smtp, &t->job);
}

static void
on_job_done(struct check_talk *t, const struct sc_info *info)
{
	bool is_probe = info->job == TAG_PROBE;
	const struct verdict *v = &info->verdict;

	if (v->class == VERDICT_LATER || v->class == VERDICT_NEVER) {
		refused(t, is_probe ? CHECK_MAIL : CHECK_SEND, v);
		return;
	}
	if (is_probe) {
		passed(t, CHECK_MAIL, "", "from and to %s, undone",
		    t->opts.account->identity.address);
		if (t->opts.send_to == NULL)
			over(t, CHECK_TALK_FINE, NULL);
		else
			send_message(t);
		return;
	}
	passed(t, CHECK_SEND, "", "to %s: %d%s%s %s", t->opts.send_to, v->code,
	    v->enhanced[0] != '\0' ? " " : "", v->enhanced, v->text);
	over(t, CHECK_TALK_FINE, NULL);
}

/* --- the end of a conversation -------------------------------------------- */

/* No secret yet: the token server is away, and the login waits for it. */
static bool
is_token_late(const struct check_talk *t, const struct sc_info *info)
{
	return info->trouble == SC_TROUBLE_AUTH_LATER && !t->has_secret &&
	       info->verdict.stage == STAGE_LOCAL;
}

/* In which stage it was. */
static enum check_stage
stage_of(const struct check_talk *t, const struct sc_info *info)
{
	enum sc_trouble trouble = info->trouble;

	if (trouble == SC_TROUBLE_NO_TLS)
		return CHECK_TLS;
	if (trouble == SC_TROUBLE_CRED || is_token_late(t, info))
		return CHECK_SECRET;
	if (trouble == SC_TROUBLE_NO_AUTH || trouble == SC_TROUBLE_AUTH ||
	    trouble == SC_TROUBLE_AUTH_LATER)
		return CHECK_AUTH;
	if (t->is_ready)
		return t->job.tag == TAG_MESSAGE ? CHECK_SEND : CHECK_MAIL;
	return t->has_ehlo ? CHECK_AUTH : CHECK_EHLO;
}

static void
no_auth(struct check_talk *t, const struct verdict *v)
{
	const char *offered = smtp_client_caps(t->wire.smtp)->auth;
	char seen[CHECK_SEEN_MAX];

	tell_ehlo(t);
	(void)snprintf(seen, sizeof(seen), "%s%s%s", v->text,
	    offered[0] != '\0' ? "; it offers " : "", offered);
	failed(t, CHECK_AUTH, CHECK_PERSON, CHECK_TALK_FAILED, seen,
	    offered[0] == '\0'
		? "this port takes no login: is it the submission port (465 or "
		  "587), and are host and tls right?"
		: "the account may use none of what is offered: check auth; a "
		  "provider that offers only XOAUTH2 wants a sign-in instead "
		  "of a password");
}

static void
on_close(struct check_talk *t, const struct sc_info *info)
{
	const struct verdict *v = &info->verdict;
	enum check_stage stage = stage_of(t, info);
	bool is_late = is_token_late(t, info);

	if (!t->is_ready && !t->has_ehlo &&
	    courier_login_may_say_another_name(&t->wire.login, info)) {
		over(t, CHECK_TALK_ANOTHER_NAME, NULL);
		return;
	}
	if (stage == CHECK_SECRET)
		t->has_secret = true;
	if (is_late)
		failed(t, stage, CHECK_LATER, CHECK_TALK_FAILED, v->text,
		    "relaisd asks for the token again by itself; until then "
		    "mail waits");
	else if (stage == CHECK_SECRET)
		failed(t, stage, CHECK_PERSON, CHECK_TALK_FAILED, v->text, "");
	else if (info->trouble == SC_TROUBLE_NO_AUTH && v->code == 0)
		no_auth(t, v);
	else if (info->trouble == SC_TROUBLE_NO_TLS)
		failed(t, stage, CHECK_PERSON, CHECK_TALK_WRONG_PORT, v->text,
		    "the connection is intercepted by something that takes "
		    "STARTTLS away, or this is not the submission port; a port "
		    "for implicit TLS (465) cannot be tampered with so");
	else if (info->trouble == SC_TROUBLE_NAME)
		failed(t, stage, CHECK_PERSON, CHECK_TALK_FAILED, v->text,
		    "set hostname in [relais] to the full name of this "
		    "machine");
	else if (info->trouble == SC_TROUBLE_PROTOCOL && !t->is_ready)
		failed(t, stage, CHECK_PERSON, CHECK_TALK_WRONG_PORT, v->text,
		    "what answers is not a mail server: the connection is "
		    "intercepted, or host, port or tls are wrong");
	else if (v->code != 0)
		refused(t, stage, v);
	else if (v->stage <= STAGE_GREETING && !t->is_ready)
		failed(t, stage, CHECK_LATER, CHECK_TALK_SILENT, v->text,
		    "the port takes connections, and nothing greets there: a "
		    "firewall in between, a provider in trouble, or a port "
		    "that expects TLS at once (tls = implicit)");
	else
		failed(t, stage, CHECK_LATER, CHECK_TALK_FAILED, v->text,
		    trouble_advice);
}

/* --- the crank ------------------------------------------------------------ */

static void
on_starttls(struct check_talk *t)
{
	IGNORE(wire_give(&t->wire)); /* STARTTLS itself has gone */
	if (start_tls(t, &t->tls_trouble) != 0)
		failed(t, CHECK_TLS, CHECK_PERSON, CHECK_TALK_FAILED,
		    t->tls_trouble.text, "");
}

static bool
feed(struct check_talk *t)
{
	size_t n;

	if (t->job.tag != TAG_MESSAGE)
		return false;
	n = smtp_client_body(t->wire.smtp, buf_str(&t->message) + t->message_at,
	    buf_len(&t->message) - t->message_at);
	t->message_at += n;
	return n > 0;
}

static void
on_event(struct check_talk *t, enum sc_event ev, const struct sc_info *info)
{
	switch (ev) {
	case SC_IDLE:
		break;
	case SC_WANT_BODY:
		IGNORE(feed(t));
		break;
	case SC_STARTTLS:
		on_starttls(t);
		break;
	case SC_AUTH:
	case SC_CHALLENGE:
	case SC_ACCEPTED:
		tell_ehlo(t);
		courier_login_event(&t->wire.login, ev, info);
		break;
	case SC_READY:
		on_ready(t, info);
		break;
	case SC_RCPT_DONE:
		break; /* SC_JOB_DONE says it as well: there is one */
	case SC_JOB_DONE:
		on_job_done(t, info);
		break;
	case SC_CLOSE:
		on_close(t, info);
		break;
	}
}

static void
crank(struct check_talk *t)
{
	struct sc_info info;
	enum sc_event ev;
	bool goes_on;

	do {
		goes_on = wire_take(&t->wire);
		smtp_client_tick(t->wire.smtp, loop_now_ms(t->loop));
		while ((ev = wire_next(&t->wire,
			    t->is_ready && t->opts.account->wants_auth,
			    &info)) != SC_IDLE) {
			on_event(t, ev, &info);
			if (t->is_over)
				return;
		}
		goes_on = wire_give(&t->wire) || goes_on;
	} while (goes_on);
	loop_timer_set(
	    t->timer, t->wire.handshake_by < smtp_client_deadline(t->wire.smtp)
			  ? t->wire.handshake_by
			  : smtp_client_deadline(t->wire.smtp));
}

static void
begin_smtp(struct check_talk *t)
{
	struct smtp_client_opts opts = {
		.ehlo_refused = t->opts.names_refused,
		.tls = t->opts.port.tls,
		.wants_auth = t->opts.account->wants_auth,
		.is_plain_spoken = true, /* what is slow is seen */
		.is_last_try = true,
		.greeting_ms = t->opts.step_ms,
		.step_ms_max = t->opts.step_ms,
	};

	wire_begin(&t->wire, &opts, t->opts.account, t->opts.port.port);
}

static void
drive(struct check_talk *t)
{
	if (t->is_over)
		return;
	if (t->tls_trouble.class != ERR_NONE)
		failed(t, CHECK_TLS, CHECK_PERSON, CHECK_TALK_FAILED,
		    t->tls_trouble.text, "");
	else if (handshake_is_over(t)) {
		if (t->wire.smtp == NULL)
			begin_smtp(t);
		crank(t);
	}
}

static void
on_stream(void *ctx)
{
	drive(ctx);
}

/* The secret is there, or a key. */
static void
on_login(void *ctx)
{
	struct check_talk *t = ctx;

	tell_secret(t);
	drive(t);
}

struct check_talk *
check_talk_new(struct loop *l, const struct check_talk_opts *opts,
    const struct check_talk_hooks *hooks)
{
	struct check_talk *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->opts = *opts;
	t->hooks = *hooks;
	t->since_ms = loop_now_ms(t->loop);
	buf_init(&t->message, MESSAGE_MAX);
	loop_task_init(&t->soon, on_soon);
	t->timer = loop_timer_new(l, on_stream, t);
	wire_init(&t->wire, l, NULL, opts->account->host, on_login, t);
	wire_connected(&t->wire, opts->stream);
	stream_on_ready(t->wire.stream, on_stream, t);
	if (opts->port.tls == SC_TLS_IMPLICIT)
		IGNORE(start_tls(t, &t->tls_trouble) != 0); /* drive() looks */
	loop_timer_set(
	    t->timer, loop_now_ms(t->loop)); /* and goes on from there */
	return t;
}

void
check_talk_free(struct check_talk *t)
{
	if (t == NULL)
		return;
	if (t->wire.smtp != NULL && t->is_ready) {
		smtp_client_quit(t->wire.smtp);
		IGNORE(
		    wire_give(&t->wire)); /* stream_finish() sends the rest */
	}
	wire_clear(&t->wire, LINGER_MS);
	tls_ctx_free(t->tls);
	loop_timer_free(t->timer);
	loop_soon_cancel(&t->soon);
	buf_clear(&t->message);
	free(t);
}
