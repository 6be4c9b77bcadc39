/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AUTH, as far as it is SMTP's (RFC 4954). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "smtp/smtp_client_impl.h"

enum { AUTH_LINE_INLINE_MAX = 512 }; /* RFC 5321 4.5.3.1.4, R67 */

/* The driver decides how AUTH continues. */
static void
ask_login(struct smtp_client *c, enum sc_event what)
{
	c->state = ST_LOGIN;
	c->login.asked = c->pending = what;
}

void
sc_begin_login(struct smtp_client *c)
{
	assert(c->is_tls || c->opts.tls == SC_TLS_OFF); /* R72 */
	if (c->caps.has_auth) {
		ask_login(c, SC_AUTH);
		return;
	}
	sc_over_local(c, SC_TROUBLE_NO_AUTH, STAGE_AUTH,
	    "the server offers no login (AUTH) on this port");
	sc_say_quit(c);
}

/* AUTH with the initial response if the line stays short and the server accepts
 * one; otherwise the response follows the 334 (R67). */
static void
say_auth(struct smtp_client *c)
{
	struct login *l = &c->login;
	size_t n = buf_len(&l->initial);
	char verb[sizeof("AUTH ") + SMTP_MECHANISM_MAX];
	int len = snprintf(verb, sizeof(verb), "AUTH %s", l->mechanism);

	l->has_initial = n > 0 && !l->is_bare &&
			 (size_t)len + strlen(" \r\n") + n <=
			     AUTH_LINE_INLINE_MAX;
	if (!l->has_initial) {
		sc_say(c, ST_AUTH, verb, NULL);
		return;
	}
	c->out.has_secret = true;
	sc_say(c, ST_AUTH, verb, buf_str(&l->initial));
	buf_wipe(&l->initial);
}

/* RFC 4954 4: cancels the exchange. */
static void
say_cancel(struct smtp_client *c)
{
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
	return strcmp(c->login.mechanism, "LOGIN") == 0;
}

static void
on_challenge(struct smtp_client *c)
{
	struct login *l = &c->login;

	if (buf_len(&l->initial) > 0) {
		c->out.has_secret = true;
		/* "=" belongs to the AUTH line only. */
		sc_say(c, ST_AUTH,
		    strcmp(buf_str(&l->initial), "=") == 0
			? ""
			: buf_str(&l->initial),
		    NULL);
		buf_wipe(&l->initial);
		return;
	}
	buf_wipe(&l->challenge);
	if (decode_challenge(c, &l->challenge)) {
		ask_login(c, SC_CHALLENGE);
		return;
	}
	sc_over_local(c, SC_TROUBLE_AUTH, STAGE_AUTH,
	    "the server's login challenge is not base64");
	say_cancel(c);
}

/* Only 235 says that there was a login (RFC 4954 4): on any other word nothing
 * is sent, and this mechanism is of no use. */
static void
refuse_other_success(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX];
	struct bytes said = smtp_reply_text(&c->reply);

	(void)snprintf(text, sizeof(text),
	    "the server answered AUTH %s with \"%d %.*s\" instead of 235, "
	    "which leaves open whether it took the login",
	    c->login.mechanism, c->reply.code, said.n < 200 ? (int)said.n : 200,
	    said.p);
	verdict_local(
	    &c->login.refusal, VERDICT_NEVER, STAGE_AUTH, 0, NULL, text);
	ask_login(c, SC_AUTH);
}

void
sc_on_auth_reply(struct smtp_client *c)
{
	struct login *l = &c->login;
	int code = c->reply.code;

	if (code == 334) {
		l->has_initial = false;
		on_challenge(c);
	} else if (code == 235) {
		ask_login(c, SC_ACCEPTED);
	} else if (code / 100 == 4 || code / 100 == 5) {
		smtp_reply_verdict(&c->reply, STAGE_AUTH, &l->refusal);
		l->is_bare |= code == 501 && l->has_initial;
		ask_login(c, SC_AUTH);
	} else if (code / 100 == 2) {
		refuse_other_success(c);
	} else {
		sc_over_misfit(c);
	}
}

/* Is this the answer to what was asked? */
static bool
is_asked(const struct smtp_client *c, enum sc_event what)
{
	return c->state == ST_LOGIN && c->login.asked == what;
}

static void
over_too_long(struct smtp_client *c)
{
	sc_over_local(
	    c, SC_TROUBLE_AUTH, STAGE_AUTH, "the response is too long");
}

void
smtp_client_auth(
    struct smtp_client *c, const char *mechanism, const struct bytes *initial)
{
	struct login *l = &c->login;

	if (!is_asked(c, SC_AUTH))
		return;
	IGNORE(str_copy(l->mechanism, sizeof(l->mechanism),
	    bytes_str(mechanism))); /* RFC 4422: 20 at most */
	buf_wipe(&l->initial);
	/* RFC 4954 4: an empty one is "=". */
	if (initial == NULL ||
	    (initial->n == 0 ? buf_adds(&l->initial, "=")
			     : base64_encode(&l->initial, *initial))) {
		say_auth(c);
		return;
	}
	over_too_long(c);
	sc_say_quit(c);
}

void
smtp_client_respond(struct smtp_client *c, struct bytes response)
{
	struct buf line;

	if (!is_asked(c, SC_CHALLENGE))
		return;
	buf_wipe(&c->login.challenge);
	buf_init(&line, SMTP_AUTH_TEXT_MAX);
	c->out.has_secret = true;
	if (base64_encode(&line, response)) {
		sc_say(c, ST_AUTH, buf_str(&line), NULL);
	} else {
		over_too_long(c);
		say_cancel(c);
	}
	buf_wipe(&line);
}

void
smtp_client_logged_in(struct smtp_client *c)
{
	if (is_asked(c, SC_ACCEPTED))
		sc_become_ready(c);
}

void
smtp_client_no_login(
    struct smtp_client *c, enum sc_trouble trouble, const struct verdict *why)
{
	bool is_inside = !is_asked(c, SC_AUTH);

	if (c->state != ST_LOGIN)
		return;
	c->ending.why = *why;
	sc_over(c, trouble, true);
	if (is_inside)
		say_cancel(c);
	else
		sc_say_quit(c);
}

void
sc_lend_login(
    const struct smtp_client *c, enum sc_event ev, struct sc_info *ret)
{
	const struct login *l = &c->login;

	if (ev == SC_AUTH) {
		ret->text = bytes_str(c->caps.auth);
		ret->verdict = l->refusal;
	} else if (ev == SC_CHALLENGE) {
		ret->text = buf_bytes(&l->challenge);
	} else if (ev == SC_READY) {
		ret->text = bytes_str(l->mechanism);
	}
}

bool
smtp_client_is_bare_auth(const struct smtp_client *c)
{
	return c->login.is_bare;
}
