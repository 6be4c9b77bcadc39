/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "smtp/sasl.h"
#include "smtp/sasl_status.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_out.h"
#include "smtp/smtp_pipeline.h"
#include "smtp/smtp_reply.h"

enum {
	IN_MAX = 16384, /* replies not looked at yet */
	AUTH_LINE_INLINE_MAX = 512, /* RFC 5321 4.5.3.1.4, R67 */
	WHY_MAX = 256,
	BINDING_MAX = 1024,
	/* AUTH commands of one login: each mechanism there is, once more where
	 * an initial response was not taken, and an end. */
	AUTH_TRIES_MAX = 8
};

enum state {
	ST_GREETING,
	ST_EHLO,
	ST_HELO,
	ST_STARTTLS,
	ST_TLS, /* the driver wraps the transport */
	ST_CRED, /* the driver fetches the secret */
	ST_AUTH,
	ST_KEY, /* the driver has a key derived, between two steps of AUTH */
	ST_READY,
	ST_QUIT,
	ST_CLOSED,
	ST_COUNT
};

/* One login, from the first mechanism to the last. */
struct login {
	struct secret *secret; /* NULL: not fetched */
	char binding_type[32];
	struct buf binding;
	const struct sasl_mech *mech;
	struct sasl *sasl; /* the attempt under way */
	struct buf challenge; /* that waits for a key */
	struct sasl_key *key; /* to be taken by the driver */
	struct buf initial; /* base64, for behind the 334 */
	unsigned tried;
	int ncommands; /* AUTH, so far */
	bool has_initial; /* in the AUTH that is unanswered */
	bool is_bare; /* no initial response in the AUTH line */
	struct verdict worst; /* what was said of the mechanisms so far */
};

struct smtp_client {
	struct smtp_client_opts opts;
	enum state state;
	struct smtp_caps caps;
	size_t ehlo; /* the name said last */
	unsigned ehlo_refused;
	struct buf in;
	struct smtp_out out;
	struct smtp_reply reply;
	struct smtp_pipeline *flight;
	struct login login;
	enum sc_event pending; /* to be told next; SC_IDLE: none */
	bool is_tls;
	bool is_eof;
	bool wants_quit;
	bool is_close_told;
	bool is_body_told; /* SC_WANT_BODY is out and unanswered */
	char eof_why[WHY_MAX];
	char body_why[WHY_MAX]; /* the body failed; "" if not */
	enum sc_trouble trouble;
	struct verdict why;
	bool has_now;
	bool is_sending; /* there has been something to send all the time, */
	int64_t sending_since_ms; /* since then */
	uint64_t sending_from; /* when so many bytes had gone */
	int64_t now_ms;
	int64_t since_ms; /* of the last progress */
	int64_t heard_ms; /* of the last answer */
	int64_t round_trip_ms; /* the shortest so far; 0: not known */
};

/* What the server did not do in time, and how long that may take. */
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

/* The reply that each state waits for; what a 421 or an end there means. */
static const struct {
	enum smtp_step step;
	enum sc_trouble on_421;
} states[ST_COUNT] = {
	[ST_GREETING] = { SMTP_STEP_GREETING, SC_TROUBLE_REFUSED },
	[ST_EHLO] = { SMTP_STEP_EHLO, SC_TROUBLE_REFUSED },
	[ST_HELO] = { SMTP_STEP_HELO, SC_TROUBLE_REFUSED },
	[ST_STARTTLS] = { SMTP_STEP_STARTTLS, SC_TROUBLE_LOST },
	[ST_TLS] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_CRED] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_KEY] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_AUTH] = { SMTP_STEP_AUTH, SC_TROUBLE_AUTH_LATER },
	[ST_READY] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_QUIT] = { SMTP_STEP_QUIT, SC_TROUBLE_NONE },
	[ST_CLOSED] = { SMTP_STEP_NONE, SC_TROUBLE_NONE },
};

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
	buf_init(&c->login.binding, BINDING_MAX);
	buf_init(&c->login.challenge, SMTP_REPLY_MAX);
	buf_init(&c->login.initial, 2 * SASL_MESSAGE_MAX);
	c->flight = smtp_pipeline_new(&c->caps, &c->out, opts);
	return c;
}

static void
forget_login(struct smtp_client *c)
{
	struct login *l = &c->login;

	sasl_free(l->sasl);
	l->sasl = NULL;
	secret_free(l->secret);
	l->secret = NULL;
	sasl_key_free(l->key);
	l->key = NULL;
	buf_wipe(&l->binding);
	buf_wipe(&l->challenge);
	buf_wipe(&l->initial);
}

void
smtp_client_free(struct smtp_client *c)
{
	if (c == NULL)
		return;
	forget_login(c);
	buf_clear(&c->in);
	smtp_out_clear(&c->out);
	smtp_reply_clear(&c->reply);
	smtp_pipeline_free(c->flight);
	free(c);
}

/* --- the end -------------------------------------------------------------- */

/* The conversation is over.  Whatever c->why says in the end, it is about this
 * connection or this account and never about a message: so it is "later",
 * even behind a 535 (R56). */
static void
over(struct smtp_client *c, enum sc_trouble trouble, bool may_be_taken)
{
	struct verdict first;

	assert(c->state != ST_CLOSED);
	if (trouble != SC_TROUBLE_NONE)
		c->why.class = VERDICT_LATER;
	smtp_pipeline_fail(c->flight, &c->why, may_be_taken);
	c->trouble = trouble;
	/* What has been found out is why, however it came to an end then. */
	if (smtp_pipeline_trouble(c->flight, &first) != SC_TROUBLE_NONE) {
		c->trouble = smtp_pipeline_trouble(c->flight, &first);
		c->why = first;
	}
	if (c->trouble == SC_TROUBLE_NAME)
		c->ehlo_refused |= 1u << c->ehlo;
	c->state = ST_CLOSED;
	c->pending = SC_IDLE;
	forget_login(c);
	smtp_out_drop_all(&c->out);
	buf_clear(&c->in);
}

static void
over_local(struct smtp_client *c, enum sc_trouble trouble,
    enum verdict_stage stage, const char *text)
{
	verdict_local(&c->why, VERDICT_LATER, stage, 0, NULL, text);
	over(c, trouble, true);
}

/* Leaves with good manners; the answer does not matter. */
static void
say_quit(struct smtp_client *c)
{
	smtp_out_begin(&c->out, "QUIT");
	IGNORE(smtp_out_end(&c->out)); /* manners only */
}

/* A refusal before the login is done, in the server's words. */
static void
over_reply(struct smtp_client *c, enum sc_trouble trouble)
{
	smtp_reply_verdict(
	    &c->reply, smtp_step_stage(states[c->state].step), &c->why);
	over(c, trouble, true);
	say_quit(c);
}

static enum smtp_step
step_now(const struct smtp_client *c)
{
	return c->state == ST_READY ? smtp_pipeline_step(c->flight)
				    : states[c->state].step;
}

/* Where a connection is lost: a transaction under way has no part in it. */
static enum verdict_stage
lost_stage(const struct smtp_client *c)
{
	if (c->state == ST_TLS)
		return STAGE_TLS;
	if (c->state == ST_READY)
		return STAGE_CONNECT;
	return smtp_step_stage(states[c->state].step);
}

static void
over_protocol(struct smtp_client *c, const char *text)
{
	over_local(c, SC_TROUBLE_PROTOCOL, smtp_step_stage(step_now(c)), text);
}

static void
over_misfit(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX];
	struct bytes said = smtp_reply_text(&c->reply);

	(void)snprintf(text, sizeof(text),
	    "the server said \"%d %.*s\" where that answers nothing",
	    c->reply.code, said.n < 200 ? (int)said.n : 200, said.p);
	over_protocol(c, text);
}

/* --- commands ------------------------------------------------------------- */

static void
say(struct smtp_client *c, enum state state, const char *verb, const char *arg)
{
	bool ok;

	smtp_out_begin(&c->out, verb);
	if (arg != NULL) {
		smtp_out_add(&c->out, " ");
		smtp_out_add(&c->out, arg);
	}
	ok = smtp_out_end(&c->out);
	assert(ok); /* one command at a time: there is always room */
	(void)ok;
	c->state = state;
	c->since_ms = c->now_ms;
}

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
	/* Where all were refused before, it is as good as any. */
	if (!pick_ehlo(c))
		c->ehlo = 0;
	c->caps = (struct smtp_caps) { 0 };
	say(c, ST_EHLO, "EHLO", ehlo_name(c, c->ehlo));
}

static void
become_ready(struct smtp_client *c)
{
	forget_login(c);
	c->state = ST_READY;
	c->pending = SC_READY;
}

/* --- login ---------------------------------------------------------------- */

static void
over_no_auth(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX];

	if (!c->caps.has_auth)
		(void)snprintf(text, sizeof(text),
		    "the server offers no login (AUTH) on this port");
	else
		(void)snprintf(text, sizeof(text),
		    "no login method in common: the server offers \"%.200s\", "
		    "and the account may use %.100s",
		    c->caps.auth,
		    c->opts.auth != NULL ? c->opts.auth
		    : c->opts.is_token   ? "OAUTHBEARER or XOAUTH2"
					 : "SCRAM, PLAIN or LOGIN");
	over_local(c, SC_TROUBLE_NO_AUTH, STAGE_AUTH, text);
	say_quit(c);
}

static bool
begin_attempt(struct smtp_client *c)
{
	struct login *l = &c->login;
	struct buf raw;
	bool ok = true;

	sasl_free(l->sasl);
	buf_wipe(&l->initial);
	l->sasl = sasl_new(l->mech, &(struct sasl_opts) {
					.user = c->opts.user,
					.secret = l->secret,
					.host = c->opts.host,
					.port = c->opts.port,
					.binding_type = l->binding_type,
					.binding = buf_bytes(&l->binding),
				    });
	if (l->sasl == NULL)
		return false;
	buf_init(&raw, SASL_MESSAGE_MAX);
	if (sasl_mech_is_client_first(l->mech)) {
		ok = sasl_step(l->sasl, bytes_of("", 0), &raw) &&
		     base64_encode(&l->initial, buf_bytes(&raw));
		if (ok && buf_len(&l->initial) == 0)
			ok = buf_adds(&l->initial, "="); /* RFC 4954 4 */
	}
	buf_wipe(&raw);
	return ok;
}

/* AUTH with the initial response if the line stays short and the server takes
 * one; else it follows behind the 334 (R67). */
static void
say_auth(struct smtp_client *c)
{
	size_t n = buf_len(&c->login.initial);
	char verb[40];
	int len;

	len = snprintf(
	    verb, sizeof(verb), "AUTH %s", sasl_mech_name(c->login.mech));
	c->login.ncommands++;
	c->login.has_initial = n > 0 && !c->login.is_bare &&
			       (size_t)len + strlen(" \r\n") + n <=
				   AUTH_LINE_INLINE_MAX;
	if (!c->login.has_initial) {
		say(c, ST_AUTH, verb, NULL);
		return;
	}
	c->out.has_secret = true;
	say(c, ST_AUTH, verb, buf_str(&c->login.initial));
	buf_wipe(&c->login.initial);
}

/* RFC 4954 4, 6: that mechanism will not do, whatever the password.  500, 502
 * and 503 are what servers say that do not know the word. */
static bool
is_about_mechanism(int code)
{
	return code >= 500 && code <= 504;
}

/* The server has judged the login, not only the way of it: another mechanism
 * would say the same password once more, and some count that (R57).
 * 534 is "too weak a mechanism" (RFC 4954 6), and Google's "app password". */
static bool
is_about_login(const struct verdict *v)
{
	static const char *const enhanced[] = { "5.7.8", "5.7.13", "5.7.14",
		"5.7.30", "5.7.139" };

	if (v->code == 535 || v->code == 525 ||
	    (v->code == 534 && !str_match("*mechanism*", v->text)))
		return true;
	for (size_t i = 0; i < sizeof(enhanced) / sizeof(enhanced[0]); i++)
		if (strcmp(v->enhanced, enhanced[i]) == 0)
			return true;
	return false;
}

/* No mechanism is left: what was said of them, or that there was none. */
static void
over_no_mechanism(struct smtp_client *c)
{
	if (c->login.worst.class == VERDICT_NONE) {
		over_no_auth(c);
		return;
	}
	c->why = c->login.worst;
	over(c,
	    is_about_mechanism(c->why.code) ? SC_TROUBLE_NO_AUTH
					    : SC_TROUBLE_AUTH,
	    true);
	say_quit(c);
}

/* The next mechanism, or the end. */
static void
try_login(struct smtp_client *c)
{
	struct login *l = &c->login;
	struct sasl_wish wish = {
		.allowed = c->opts.auth,
		.offered = c->caps.auth,
		.is_token = c->opts.is_token,
		/* Until the driver was asked, anything may be at hand. */
		.has_binding = l->secret == NULL || buf_len(&l->binding) > 0,
	};

	assert(c->is_tls || c->opts.tls == SC_TLS_OFF); /* R72 */
	while (l->ncommands < AUTH_TRIES_MAX &&
	       (l->mech = sasl_pick(&wish, l->tried)) != NULL) {
		if (sasl_mech_needs_secret(l->mech) && l->secret == NULL) {
			c->state = ST_CRED;
			c->pending = SC_NEED_CRED;
			return;
		}
		l->tried = sasl_mark_tried(l->tried, l->mech);
		if (begin_attempt(c)) {
			say_auth(c);
			return;
		}
	}
	over_no_mechanism(c);
}

static void
over_auth(struct smtp_client *c, const char *text)
{
	over_local(c, SC_TROUBLE_AUTH, STAGE_AUTH, text);
	/* RFC 4954 4: cancels the exchange. */
	smtp_out_begin(&c->out, "*");
	IGNORE(smtp_out_end(&c->out)); /* manners only */
}

/* False: it is not base64. */
static bool
decode_challenge(struct smtp_client *c, struct buf *to)
{
	struct bytes text = bytes_trim(smtp_reply_text(&c->reply));

	if (bytes_eq(text, "="))
		return true;
	if (base64_decode(to, text))
		return true;
	/* Some servers prompt for LOGIN in plain words; the words do not
	 * matter. */
	return strcmp(sasl_mech_name(c->login.mech), "LOGIN") == 0;
}

static void
say_response(struct smtp_client *c, struct bytes raw)
{
	struct buf line;

	buf_init(&line, 2 * SASL_MESSAGE_MAX);
	c->out.has_secret = true;
	if (base64_encode(&line, raw))
		say(c, ST_AUTH, buf_str(&line), NULL);
	else
		over_auth(c, "the response is too long");
	buf_wipe(&line);
}

/* The step that the challenge in l->challenge asks for. */
static void
go_on_auth(struct smtp_client *c)
{
	struct login *l = &c->login;
	struct buf raw;

	buf_init(&raw, SASL_MESSAGE_MAX);
	if (!sasl_step(l->sasl, buf_bytes(&l->challenge), &raw))
		over_auth(c, sasl_trouble(l->sasl));
	else
		say_response(c, buf_bytes(&raw));
	buf_wipe(&raw);
	buf_wipe(&l->challenge);
}

static void
on_challenge(struct smtp_client *c)
{
	struct login *l = &c->login;

	if (buf_len(&l->initial) > 0) {
		c->out.has_secret = true;
		/* "=" belongs to the AUTH line only. */
		say(c, ST_AUTH,
		    strcmp(buf_str(&l->initial), "=") == 0
			? ""
			: buf_str(&l->initial),
		    NULL);
		buf_wipe(&l->initial);
		return;
	}
	buf_wipe(&l->challenge);
	if (!decode_challenge(c, &l->challenge)) {
		over_auth(c, "the server's login challenge is not base64");
		return;
	}
	sasl_key_free(l->key);
	l->key = sasl_key_new(l->sasl, buf_bytes(&l->challenge));
	if (l->key == NULL) {
		go_on_auth(c);
		return;
	}
	c->state = ST_KEY;
	c->pending = SC_NEED_KEY;
}

/* The reply, and behind it what the server gave as its reason before, both
 * without JSON. */
static void
set_auth_reply(struct smtp_client *c, struct bytes reason)
{
	struct verdict v;
	struct buf said, text;

	smtp_reply_verdict(&c->reply, STAGE_AUTH, &v);
	buf_init(&said, 2 * VERDICT_TEXT_MAX);
	buf_init(&text, 2 * VERDICT_TEXT_MAX);
	IGNORE(buf_addf(&said, "%.*s%s%.*s", reason.n > 0 ? 200 : -1, v.text,
	    reason.n > 0 ? " " : "", (int)reason.n, reason.p)); /* fits */
	IGNORE(sasl_status_reduce(buf_bytes(&said), &text)); /* gets shorter */
	verdict_from_reply(
	    &c->why, v.stage, v.code, bytes_str(v.enhanced), buf_bytes(&text));
	buf_clear(&said);
	buf_clear(&text);
}

static void
over_auth_reply(struct smtp_client *c)
{
	bool is_later = c->reply.code / 100 == 4;

	set_auth_reply(c, sasl_server_reason(c->login.sasl));
	over(c, is_later ? SC_TROUBLE_AUTH_LATER : SC_TROUBLE_AUTH, true);
	say_quit(c);
}

/* 5yz: the same mechanism in another way, another mechanism, or the end. */
static void
on_auth_refused(struct smtp_client *c)
{
	struct login *l = &c->login;
	struct verdict v;

	smtp_reply_verdict(&c->reply, STAGE_AUTH, &v);
	if (is_about_login(&v) || sasl_server_reason(l->sasl).n > 0) {
		over_auth_reply(c);
		return;
	}
	if (v.code == 501 && l->has_initial) {
		l->is_bare = true;
		if (l->ncommands < AUTH_TRIES_MAX && begin_attempt(c)) {
			say_auth(c);
			return;
		}
	}
	/* Of two refusals the one that says more than "unknown". */
	if (l->worst.class == VERDICT_NONE ||
	    (is_about_mechanism(l->worst.code) && !is_about_mechanism(v.code)))
		l->worst = v;
	try_login(c);
}

static void
on_auth_reply(struct smtp_client *c)
{
	struct login *l = &c->login;
	int code = c->reply.code;

	if (code == 334) {
		l->has_initial = false;
		on_challenge(c);
	} else if (code == 235) {
		if (sasl_is_complete(l->sasl))
			become_ready(c);
		else
			over_auth(c,
			    "the server said yes without proving that "
			    "it knows the password: it may be somebody "
			    "else's");
	} else if (code / 100 == 5) {
		on_auth_refused(c);
	} else if (code / 100 == 4) {
		over_auth_reply(c);
	} else {
		over_misfit(c);
	}
}

/* --- silence --------------------------------------------------------------- */

/* So long, and at least so many round trips. */
static int64_t
span_ms(const struct smtp_client *c, int64_t ms, int rounds)
{
	return c->round_trip_ms * rounds > ms ? c->round_trip_ms * rounds : ms;
}

static int64_t
overdue_ms(const struct smtp_client *c)
{
	return span_ms(c, SMTP_OVERDUE_MS, SMTP_OVERDUE_ROUNDS);
}

static bool
has_unsent(const struct smtp_client *c)
{
	return !smtp_out_is_empty(&c->out) || c->out.unsent > 0;
}

/* When the oldest question without an answer left. */
static int64_t
asked_at(const struct smtp_client *c)
{
	if (c->state == ST_READY)
		return smtp_pipeline_waits_since(c->flight);
	return step_now(c) == SMTP_STEP_NONE || has_unsent(c) ? INT64_MAX
							      : c->since_ms;
}

int64_t
smtp_client_waits_since(const struct smtp_client *c)
{
	int64_t asked = asked_at(c);

	if (c->state == ST_CLOSED || !c->has_now)
		return INT64_MAX;
	/* It takes no more bytes, or takes them slowly. */
	return has_unsent(c) && c->since_ms < asked ? c->since_ms : asked;
}

static int64_t
after(int64_t since_ms, int64_t ms)
{
	return since_ms == INT64_MAX ? INT64_MAX : since_ms + ms;
}

int64_t
smtp_client_overdue_at(const struct smtp_client *c)
{
	int64_t since = smtp_client_waits_since(c);

	/* As long as it answers, what lies behind gets its turn. */
	return after(since > c->heard_ms ? since : c->heard_ms, overdue_ms(c));
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
	return !has_unsent(c) && step_now(c) == SMTP_STEP_END;
}

bool
smtp_client_is_growing(const struct smtp_client *c)
{
	return c->state == ST_READY && !c->wants_quit && !c->is_eof &&
	       c->now_ms < smtp_client_overdue_at(c) &&
	       smtp_pipeline_is_growing(c->flight);
}

bool
smtp_client_is_trusted(const struct smtp_client *c)
{
	return c->state == ST_READY && c->now_ms < smtp_client_overdue_at(c) &&
	       smtp_pipeline_is_trusted(c->flight);
}

void
smtp_client_round_trip(struct smtp_client *c, int64_t ms)
{
	if (c->round_trip_ms == 0 || ms < c->round_trip_ms)
		c->round_trip_ms = ms;
}

static size_t
jobs_max(const struct smtp_client *c)
{
	if (c->now_ms >= smtp_client_stalls_at(c))
		return 0;
	return c->now_ms >= smtp_client_overdue_at(c) ? SMTP_OVERDUE_JOBS
						      : SIZE_MAX;
}

/* --- replies -------------------------------------------------------------- */

static void
on_greeting(struct smtp_client *c)
{
	if (c->reply.code == 220)
		say_ehlo(c);
	else if (c->reply.code / 100 >= 4)
		over_reply(c, SC_TROUBLE_REFUSED);
	else
		over_misfit(c);
}

static void
after_hello(struct smtp_client *c)
{
	if (c->opts.tls == SC_TLS_STARTTLS && !c->is_tls) {
		if (c->caps.has_starttls) {
			say(c, ST_STARTTLS, "STARTTLS", NULL);
			return;
		}
		over_local(c, SC_TROUBLE_NO_TLS, STAGE_TLS,
		    "the server offered no STARTTLS, so nothing was sent; if "
		    "it wants TLS from the first byte, set tls = implicit");
		say_quit(c);
	} else if (c->opts.wants_auth) {
		try_login(c);
	} else {
		become_ready(c);
	}
}

/* Not the command, but what stands behind it (RFC 5321 4.1.1.1, 4.2.4).  550 and
 * its like may be about our address as well, which no other name mends. */
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
		say(c, ST_HELO, "HELO", ehlo_name(c, 0));
	else
		over_reply(c, is_name ? SC_TROUBLE_NAME : SC_TROUBLE_REFUSED);
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
		over_reply(c, SC_TROUBLE_REFUSED);
	} else {
		over_misfit(c);
	}
}

static void
on_helo_reply(struct smtp_client *c)
{
	if (c->reply.code / 100 == 2)
		after_hello(c);
	else if (c->reply.code / 100 >= 4)
		over_reply(c, SC_TROUBLE_REFUSED);
	else
		over_misfit(c);
}

static void
on_starttls_reply(struct smtp_client *c)
{
	if (c->reply.code / 100 >= 4) {
		over_reply(c, SC_TROUBLE_NO_TLS);
	} else if (c->reply.code != 220) {
		over_misfit(c);
	} else if (buf_len(&c->in) > 0) {
		/* R5: somebody else's words, put there to be taken for the
		 * server's once TLS is up.  Not even QUIT is owed to them. */
		over_local(c, SC_TROUBLE_NO_TLS, STAGE_TLS,
		    "clear text followed the server's answer to STARTTLS: "
		    "somebody may be tampering with the connection");
	} else {
		c->state = ST_TLS;
		c->pending = SC_STARTTLS;
	}
}

/* True: what was under way has found out that the session is of no more use.
 * A server that has not understood BDAT takes nothing behind it either; one
 * that has lost the thread may have found it again. */
static bool
over_session(struct smtp_client *c)
{
	enum sc_trouble trouble = smtp_pipeline_trouble(c->flight, &c->why);

	if (trouble == SC_TROUBLE_NONE)
		return false;
	over(c, trouble, c->why.code == 503);
	return true;
}

static void
on_job_reply(struct smtp_client *c)
{
	switch (smtp_pipeline_reply(c->flight, &c->reply)) {
	case SMTP_FLIGHT_OK:
		break;
	case SMTP_FLIGHT_OVER:
		if (over_session(c))
			break;
		over_local(c, SC_TROUBLE_LOST, STAGE_DATA,
		    "the server answered before it had the whole message");
		break;
	case SMTP_FLIGHT_BAD:
		over_misfit(c);
		break;
	}
}

static void
on_quit_reply(struct smtp_client *c)
{
	over(c, SC_TROUBLE_NONE, false);
}

static void
on_421(struct smtp_client *c)
{
	smtp_reply_verdict(&c->reply, smtp_step_stage(step_now(c)), &c->why);
	/* RFC 5321 3.8: it closes, and acts on nothing behind this. */
	over(c, states[c->state].on_421, false);
}

static void (*const on_reply[ST_COUNT])(struct smtp_client *c) = {
	[ST_GREETING] = on_greeting,
	[ST_EHLO] = on_ehlo_reply,
	[ST_HELO] = on_helo_reply,
	[ST_STARTTLS] = on_starttls_reply,
	[ST_TLS] = over_misfit,
	[ST_CRED] = over_misfit,
	[ST_KEY] = over_misfit,
	[ST_AUTH] = on_auth_reply,
	[ST_READY] = on_job_reply,
	[ST_QUIT] = on_quit_reply,
};

static void
handle_reply(struct smtp_client *c)
{
	bool was_stalled = c->now_ms >= smtp_client_stalls_at(c);
	int64_t asked = asked_at(c);

	if (asked != INT64_MAX && c->state != ST_GREETING)
		smtp_client_round_trip(c, c->now_ms - asked);
	c->since_ms = c->heard_ms = c->now_ms;
	if (c->reply.code == 421)
		on_421(c);
	else if (c->state != ST_READY && c->state != ST_QUIT &&
		 !smtp_out_is_empty(&c->out))
		over_misfit(c); /* an answer before the question */
	else
		on_reply[c->state](c);
	if (was_stalled)
		smtp_pipeline_was_silent(c->flight);
	smtp_reply_reset(&c->reply);
}

/* What came is no reply.  The usual causes have their own sentence. */
static void
on_garbage(struct smtp_client *c, unsigned char first)
{
	if (c->state == ST_QUIT)
		over(c, SC_TROUBLE_NONE, false);
	else if (c->state == ST_GREETING && (first == 0x15 || first == 0x16))
		over_protocol(c,
		    "the server speaks TLS from the first byte: set "
		    "tls = implicit");
	else if (c->state == ST_GREETING)
		over_protocol(c, "this is not a mail server (no SMTP)");
	else
		over_protocol(c,
		    "the server's answer is not SMTP, or longer than "
		    "any honest one");
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

static void
on_eof(struct smtp_client *c)
{
	if (c->state == ST_QUIT)
		over(c, SC_TROUBLE_NONE, false);
	else
		over_local(c, SC_TROUBLE_LOST, lost_stage(c), c->eof_why);
}

/* --- the crank ------------------------------------------------------------ */

static void
produce(struct smtp_client *c)
{
	if (c->state == ST_READY)
		smtp_pipeline_produce(c->flight);
	if (c->wants_quit && c->pending == SC_IDLE &&
	    (c->state == ST_READY || c->state == ST_CRED) &&
	    smtp_pipeline_is_empty(c->flight))
		say(c, ST_QUIT, "QUIT", NULL);
}

/* True: an event was found. */
static bool
tell(struct smtp_client *c, struct sc_info *ret, enum sc_event *ret_ev)
{
	*ret_ev = smtp_pipeline_event(c->flight, ret);
	if (*ret_ev != SC_IDLE) {
		if (smtp_pipeline_is_empty(c->flight))
			smtp_out_shrink(&c->out);
		return true;
	}
	if (c->pending != SC_IDLE) {
		*ret_ev = c->pending;
		c->pending = SC_IDLE;
		if (*ret_ev == SC_READY && c->login.mech != NULL) {
			const char *name = sasl_mech_name(c->login.mech);

			ret->text = bytes_str(name);
		}
		return true;
	}
	if (c->state != ST_CLOSED || c->is_close_told)
		return false;
	c->is_close_told = true;
	ret->trouble = c->trouble;
	ret->verdict = c->why;
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
	if (c->state == ST_READY && smtp_pipeline_is_empty(c->flight) &&
	    over_session(c)) {
		say_quit(c);
		return true;
	}
	if (c->body_why[0] != '\0' && smtp_pipeline_has_settled(c->flight)) {
		over_local(c, SC_TROUBLE_LOST, STAGE_LOCAL, c->body_why);
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
		if (tell(c, ret_info, &ev))
			return ev;
	} while (advance(c));
	produce(c);
	if (tell(c, ret_info, &ev)) /* a job can end without a reply */
		return ev;
	produce(c); /* its end may have been waited for by QUIT */
	if (c->state == ST_READY && !c->is_body_told &&
	    smtp_pipeline_wants_body(c->flight, &ret_info->job)) {
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

/* How long something has been waiting to be sent without a break. */
static void
see_sending(struct smtp_client *c)
{
	if (smtp_out_is_empty(&c->out)) {
		c->is_sending = false;
	} else if (!c->is_sending) {
		c->is_sending = true;
		c->sending_since_ms = c->now_ms;
		c->sending_from = c->out.sent_bytes;
	}
}

void
smtp_client_sent(struct smtp_client *c, size_t n)
{
	smtp_out_sent(&c->out, n);
	smtp_pipeline_sent(c->flight);
	c->since_ms = c->now_ms;
	see_sending(c);
}

void
smtp_client_unsent(struct smtp_client *c, size_t n)
{
	if (n < c->out.unsent)
		c->since_ms = c->now_ms;
	c->out.unsent = n;
	smtp_pipeline_sent(c->flight);
}

/* --- time ----------------------------------------------------------------- */

static int64_t
cap_ms(const struct smtp_client *c, int64_t ms)
{
	return c->opts.step_ms_max != 0 && ms > c->opts.step_ms_max
		   ? c->opts.step_ms_max
		   : ms;
}

/* How long the present step may take; INT64_MAX: it is the driver's turn. */
static int64_t
patience_ms(const struct smtp_client *c)
{
	enum smtp_step step = step_now(c);

	if (c->state == ST_CLOSED || c->state == ST_TLS ||
	    c->state == ST_CRED || c->state == ST_KEY)
		return INT64_MAX;
	if (!smtp_out_is_empty(&c->out))
		return cap_ms(c, SMTP_BLOCK_MS);
	if (step == SMTP_STEP_NONE)
		return INT64_MAX;
	if (step == SMTP_STEP_GREETING && c->opts.greeting_ms != 0)
		return cap_ms(c, c->opts.greeting_ms);
	return cap_ms(c, steps[step].ms);
}

/* R68: it takes a byte now and then, and would for ever. */
static int64_t
slow_at(const struct smtp_client *c)
{
	if (!c->is_sending || c->state != ST_READY)
		return INT64_MAX;
	return c->sending_since_ms + SMTP_SLOW_MS +
	       (int64_t)((c->out.sent_bytes - c->sending_from) /
			 SMTP_SLOW_BYTES) *
		   1000;
}

int64_t
smtp_client_deadline(const struct smtp_client *c)
{
	int64_t ms = patience_ms(c), slow = slow_at(c);

	if (ms == INT64_MAX)
		return INT64_MAX;
	if (!c->has_now)
		return 0;
	return c->since_ms + ms < slow ? c->since_ms + ms : slow;
}

static void
on_timeout(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX], span[NUM_TEXT_SIZE];
	enum smtp_step step = step_now(c);
	bool is_blocked = !smtp_out_is_empty(&c->out);

	if (c->state == ST_QUIT) {
		over(c, SC_TROUBLE_NONE, false);
		return;
	}
	(void)num_duration_text(patience_ms(c), span);
	if (c->now_ms >= slow_at(c))
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
	over_local(c, SC_TROUBLE_LOST, lost_stage(c), text);
}

void
smtp_client_tick(struct smtp_client *c, int64_t now_ms)
{
	if (!c->has_now) {
		c->has_now = true;
		c->since_ms = now_ms;
	}
	c->now_ms = now_ms;
	smtp_pipeline_tick(c->flight, now_ms);
	see_sending(c);
	/* Unread bytes may hold the answer that is missed. */
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

void
smtp_client_cred(struct smtp_client *c, const struct secret *s,
    const char *binding_type, struct bytes binding)
{
	struct login *l = &c->login;

	if (c->state != ST_CRED)
		return;
	l->secret = secret_dup(s);
	if (binding_type != NULL && binding.n > 0 &&
	    str_copy(l->binding_type, sizeof(l->binding_type),
		bytes_str(binding_type)))
		/* Too long for the buffer: as if there were none. */
		IGNORE(buf_add(&l->binding, binding.p, binding.n));
	try_login(c);
}

void
smtp_client_no_cred(struct smtp_client *c, const char *why)
{
	if (c->state != ST_CRED)
		return;
	over_local(c, SC_TROUBLE_CRED, STAGE_LOCAL, why);
	say_quit(c);
}

struct sasl_key *
smtp_client_take_key(struct smtp_client *c)
{
	struct sasl_key *k = c->login.key;

	c->login.key = NULL;
	return k;
}

void
smtp_client_keyed(struct smtp_client *c, const struct sasl_key *k)
{
	if (c->state != ST_KEY)
		return;
	sasl_key_use(c->login.sasl, k);
	go_on_auth(c);
}

bool
smtp_client_may_send(const struct smtp_client *c)
{
	return c->state == ST_READY && c->pending == SC_IDLE && !c->is_eof &&
	       !c->wants_quit && smtp_pipeline_may_add(c->flight, jobs_max(c));
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_job *job)
{
	assert(smtp_client_may_send(c));
	if (smtp_pipeline_is_empty(c->flight)) {
		if (c->now_ms - c->heard_ms >=
		    span_ms(c, SMTP_STALL_MS, SMTP_STALL_ROUNDS))
			smtp_pipeline_was_silent(c->flight);
		c->since_ms = c->now_ms;
	}
	smtp_pipeline_add(c->flight, job);
	produce(c);
}

size_t
smtp_client_body(struct smtp_client *c, const void *p, size_t n)
{
	c->is_body_told = false;
	return c->state == ST_READY ? smtp_pipeline_body(c->flight, p, n) : 0;
}

void
smtp_client_body_failed(struct smtp_client *c, const char *why)
{
	smtp_pipeline_stop(c->flight);
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
	       smtp_pipeline_is_empty(c->flight);
}

unsigned
smtp_client_ehlo_refused(const struct smtp_client *c)
{
	return c->ehlo_refused;
}

unsigned
smtp_client_distrust(const struct smtp_client *c)
{
	return smtp_pipeline_distrust(c->flight);
}

bool
smtp_client_lost_bdat(const struct smtp_client *c)
{
	return smtp_pipeline_lost_bdat(c->flight);
}

bool
smtp_client_is_bare_auth(const struct smtp_client *c)
{
	return c->login.is_bare;
}

const struct smtp_caps *
smtp_client_caps(const struct smtp_client *c)
{
	return &c->caps;
}

size_t
smtp_client_rcpt_max(const struct smtp_client *c)
{
	return (size_t)c->caps.rcpt_max;
}

bool
smtp_client_offers_dsn(const struct smtp_client *c)
{
	return c->caps.has_dsn;
}
