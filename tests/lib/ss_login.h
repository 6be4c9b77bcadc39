/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ss_login.h - STARTTLS and AUTH of a listener (RFC 3207, 4954), over the
 * server engine's SS_COMMAND.  No listener of ours offers them; the throw-away
 * provider and the engines' tests do.
 */
#ifndef TESTS_LIB_SS_LOGIN_H
#define TESTS_LIB_SS_LOGIN_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_server.h"
#include "smtp/syntax.h"

struct ss_login_opts {
	bool may_starttls; /* offer STARTTLS until TLS is on */
	bool must_starttls; /* 530 5.7.0 to MAIL before TLS */
	bool must_auth; /* 530 5.7.0 to MAIL before AUTH */
	const char *mechanisms; /* "PLAIN LOGIN": offered once TLS is on */
};

struct ss_login {
	struct ss_login_opts opts;
	struct smtp_server *s;
	bool is_tls, is_authed;
	char offers[256];
	char line[SMTP_AUTH_LINE_MAX];
};

static inline void
ss_login_offer(struct ss_login *l)
{
	bool has_auth = l->opts.mechanisms != NULL && l->is_tls;
	bool has_tls = l->opts.may_starttls && !l->is_tls;

	if (has_auth)
		(void)snprintf(l->offers, sizeof(l->offers), "AUTH %s",
		    l->opts.mechanisms);
	smtp_server_offer(l->s, has_auth  ? l->offers
				: has_tls ? "STARTTLS"
					  : NULL);
}

/* s must have has_commands. */
static inline void
ss_login_init(
    struct ss_login *l, const struct ss_login_opts *opts, struct smtp_server *s)
{
	memset(l, 0, sizeof(*l));
	l->opts = *opts;
	l->s = s;
	ss_login_offer(l);
}

/* TLS is on: behind a STARTTLS, or before the first byte. */
static inline void
ss_login_tls_up(struct ss_login *l)
{
	l->is_tls = true;
	ss_login_offer(l);
	smtp_server_restart(l->s);
}

/* True: MAIL was refused for want of TLS or of a login. */
static inline bool
ss_login_refuses_mail(struct ss_login *l)
{
	if (l->opts.must_starttls && !l->is_tls)
		smtp_server_reply(l->s, 530, "5.7.0", "say STARTTLS first");
	else if (l->opts.must_auth && !l->is_authed)
		smtp_server_reply(
		    l->s, 530, "5.7.0", "authentication required");
	else
		return false;
	return true;
}

static inline void
ss_login_starttls(
    struct ss_login *l, struct bytes args, bool has_more, bool *ret_tls)
{
	*ret_tls = false;
	if (l->is_tls)
		smtp_server_command(l->s, 503, "5.5.1", "TLS is on");
	else if (!l->opts.may_starttls)
		smtp_server_command(
		    l->s, 502, "5.5.1", "command not implemented");
	else if (args.n > 0)
		smtp_server_command(
		    l->s, 501, "5.5.4", "this command takes no argument");
	else if (has_more)
		/* R4: clear text that hopes to be taken for what TLS
		 * protects. */
		smtp_server_command(
		    l->s, 421, "4.5.1", "nothing may follow STARTTLS");
	else
		*ret_tls = true;
	if (*ret_tls)
		smtp_server_command(l->s, 220, "2.0.0", "go ahead");
}

/* The word of a blank separated list, as it is spelt there; n == 0: none. */
static inline struct bytes
ss_login_find(const char *list, struct bytes word)
{
	struct bytes rest = bytes_str(list), one;
	char name[SMTP_MECHANISM_MAX + 1];

	if (!str_copy(name, sizeof(name), word))
		return bytes_of(list, 0);
	do
		one = syntax_word(&rest);
	while (one.n > 0 && !bytes_eq_nocase(one, name));
	return one;
}

/* True: *ret_line is one for the mechanism, "MECH" or "MECH
 * initial-response". */
static inline bool
ss_login_auth(struct ss_login *l, struct bytes args, struct bytes *ret_line)
{
	struct bytes word = syntax_word(&args), mechanism = { .n = 0 };
	int n;

	if (l->opts.mechanisms == NULL || !l->is_tls) {
		smtp_server_command(
		    l->s, 502, "5.5.1", "command not implemented");
		return false;
	}
	if (l->is_authed) {
		smtp_server_command(
		    l->s, 503, "5.5.1", "authenticated already");
		return false;
	}
	mechanism = ss_login_find(l->opts.mechanisms, word);
	if (mechanism.n == 0) {
		smtp_server_command(
		    l->s, 504, "5.5.4", "mechanism not offered");
		return false;
	}
	n = snprintf(l->line, sizeof(l->line), "%.*s%s%.*s", (int)mechanism.n,
	    mechanism.p, args.n > 0 ? " " : "", (int)args.n, args.p);
	*ret_line = bytes_of(l->line, (size_t)n); /* a line fits */
	return true;
}

/* What an SS_COMMAND has come to. */
enum ss_login_ask {
	SS_LOGIN_NOTHING, /* answered */
	SS_LOGIN_TLS, /* wrap the transport, then ss_login_tls_up() */
	SS_LOGIN_LINE /* of a mechanism: ss_login_answer() */
};

static inline enum ss_login_ask
ss_login_command(
    struct ss_login *l, const struct ss_info *info, struct bytes *ret_line)
{
	struct bytes args = info->text, verb;
	bool is_tls;

	*ret_line = info->text;
	if (info->is_dialogue)
		return SS_LOGIN_LINE;
	verb = syntax_word(&args);
	if (bytes_eq_nocase(verb, "AUTH"))
		return ss_login_auth(l, args, ret_line) ? SS_LOGIN_LINE
							: SS_LOGIN_NOTHING;
	ss_login_starttls(l, args, info->has_more, &is_tls);
	return is_tls ? SS_LOGIN_TLS : SS_LOGIN_NOTHING;
}

static inline void
ss_login_answer(
    struct ss_login *l, int code, const char *enhanced, const char *text)
{
	l->is_authed = code / 100 == 2;
	smtp_server_command(l->s, code, enhanced, text);
}

/* RFC 3848: "ESMTPSA" */
static inline const char *
ss_login_with(const struct ss_login *l)
{
	static const char *const names[2][2][2] = {
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
	};
	const char *with = smtp_server_with(l->s);

	if (strcmp(with, "SMTP") == 0)
		return with;
	return names[*with == 'U'][l->is_tls][l->is_authed];
}

#endif
