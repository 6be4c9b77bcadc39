/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ss_driver.h - the least driver that the server engine can have: no socket,
 * a fixed policy, everything written down.  For unit tests, dialogue scripts
 * and fuzzing, which add what they want to know.
 *
 * Policy: an address that begins with "never" is answered 550, "later" 451,
 * "bye" 421, and so is the end of a message whose content begins with the word;
 * a NUL in the content 550; a sender that lacks SMTPUTF8 553 if its domain is
 * "kept"; everything else 250.  AUTH knows the user "u"
 * with the password "p" by PLAIN, with and without initial response.  STARTTLS
 * succeeds without a byte.
 *
 * It also keeps the promise of R10 in view: content or an end without a MAIL
 * and a RCPT that were accepted in the same transaction set is_broken.
 */
#ifndef TESTS_LIB_SS_DRIVER_H
#define TESTS_LIB_SS_DRIVER_H

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "smtp/smtp_server.h"
#include "tests/lib/ss_login.h"

struct ss_driver {
	struct smtp_server *s;
	struct ss_login login; /* if the engine has_commands */
	struct buf out; /* what the engine said */
	struct buf events; /* a line for each event; content is not one */
	struct buf message; /* the content of the newest message */
	unsigned delivered;
	bool is_closed; /* SS_CLOSE came */
	bool is_broken;
	bool is_deaf; /* leave the answer to the caller: pending */
	enum ss_event pending;
	bool has_mail;
	unsigned rcpts;
};

static inline void
ss_driver_note(
    struct ss_driver *d, const char *fmt, const char *a, const char *b)
{
	if (!buf_addf(&d->events, "%s%s%s\n", fmt, a, b))
		d->is_broken = true; /* nobody causes a million events */
}

static inline void
ss_driver_init(struct ss_driver *d, const struct smtp_server_opts *opts)
{
	memset(d, 0, sizeof(*d));
	d->s = smtp_server_new(opts);
	buf_init(&d->out, 1 << 24);
	buf_init(&d->events, 1 << 24);
	buf_init(&d->message, 1 << 24);
}

/* And offers TLS and a login. */
static inline void
ss_driver_init_login(struct ss_driver *d, const struct smtp_server_opts *opts,
    const struct ss_login_opts *login)
{
	struct smtp_server_opts o = *opts;

	o.has_commands = true;
	ss_driver_init(d, &o);
	ss_login_init(&d->login, login, d->s);
}

static inline void
ss_driver_clear(struct ss_driver *d)
{
	smtp_server_free(d->s);
	buf_clear(&d->out);
	buf_clear(&d->events);
	buf_clear(&d->message);
}

static inline int
ss_driver_code(const char *text)
{
	if (strncmp(text, "never", 5) == 0)
		return 550;
	if (strncmp(text, "later", 5) == 0)
		return 451;
	return strncmp(text, "bye", 3) == 0 ? 421 : 250;
}

static inline void
ss_driver_answer(struct ss_driver *d, enum ss_event ev, int code)
{
	bool is_yes = code == 250;

	if (ev == SS_MAIL) {
		d->has_mail = is_yes;
		d->rcpts = 0;
		buf_reset(&d->message);
	} else if (ev == SS_RCPT) {
		d->rcpts += is_yes;
	} else {
		d->delivered += is_yes;
		d->has_mail = false;
		d->rcpts = 0;
	}
	smtp_server_reply(
	    d->s, code, is_yes ? "2.0.0" : NULL, is_yes ? "fine" : "no");
}

static inline void
ss_driver_auth(struct ss_driver *d, struct bytes text)
{
	static const char good[] = "AHUAcA==";
	static const char inline_good[] = "PLAIN AHUAcA==";

	if (text.n == 5 && memcmp(text.p, "PLAIN", 5) == 0)
		ss_login_answer(&d->login, 334, NULL, "");
	else if ((text.n == sizeof(good) - 1 &&
		     memcmp(text.p, good, text.n) == 0) ||
		 (text.n == sizeof(inline_good) - 1 &&
		     memcmp(text.p, inline_good, text.n) == 0))
		ss_login_answer(&d->login, 235, "2.7.0", "welcome");
	else if (text.n == 1 && text.p[0] == '*')
		ss_login_answer(&d->login, 501, "5.7.0", "cancelled");
	else
		ss_login_answer(&d->login, 535, "5.7.8", "no");
}

static inline void
ss_driver_command(struct ss_driver *d, const struct ss_info *info)
{
	struct bytes line;

	switch (ss_login_command(&d->login, info, &line)) {
	case SS_LOGIN_NOTHING:
		break;
	case SS_LOGIN_TLS:
		ss_driver_note(d, "STARTTLS", "", "");
		ss_login_tls_up(&d->login);
		break;
	case SS_LOGIN_LINE:
		ss_driver_note(d, "AUTH", "", "");
		ss_driver_auth(d, line);
		break;
	}
}

static inline void
ss_driver_mail(struct ss_driver *d, const struct ss_info *info)
{
	static const char *const ret[] = { "", " full", " hdrs" };

	if (!buf_addf(&d->events, "MAIL <%s> size=%llu%s%s%s%s%s\n", info->addr,
		(unsigned long long)info->mail.size_bytes,
		info->mail.is_8bit ? " 8bit" : "",
		info->lacks_utf8     ? " lacks-utf8"
		: info->mail.is_utf8 ? " utf8"
				     : "",
		ret[info->mail.ret], info->mail.envid != NULL ? " envid=" : "",
		info->mail.envid != NULL ? info->mail.envid : ""))
		d->is_broken = true;
	d->is_broken |= d->has_mail;
}

static inline void
ss_driver_rcpt(struct ss_driver *d, const struct ss_info *info)
{
	if (!buf_addf(&d->events, "RCPT <%s> notify=%u%s%s\n", info->addr,
		info->rcpt.notify, info->rcpt.orcpt != NULL ? " orcpt=" : "",
		info->rcpt.orcpt != NULL ? info->rcpt.orcpt : ""))
		d->is_broken = true;
	d->is_broken |= !d->has_mail;
}

static inline void
ss_driver_end(struct ss_driver *d, const struct ss_info *info)
{
	ss_driver_note(d, "END", info->had_bare ? " bare" : "", "");
	d->is_broken |= !d->has_mail || d->rcpts == 0;
}

static inline void
ss_driver_event(
    struct ss_driver *d, enum ss_event ev, const struct ss_info *info)
{
	switch (ev) {
	case SS_IDLE:
		break;
	case SS_COMMAND:
		ss_driver_command(d, info);
		break;
	case SS_MAIL:
		if (ss_login_refuses_mail(&d->login))
			return;
		ss_driver_mail(d, info);
		break;
	case SS_RCPT:
		ss_driver_rcpt(d, info);
		break;
	case SS_BODY:
		d->is_broken |= !d->has_mail || d->rcpts == 0 ||
				info->body.n == 0 ||
				!buf_add(
				    &d->message, info->body.p, info->body.n);
		break;
	case SS_END:
		ss_driver_end(d, info);
		break;
	case SS_ABORT:
		ss_driver_note(d, "ABORT", "", "");
		d->is_broken |= !d->has_mail;
		d->has_mail = false;
		d->rcpts = 0;
		buf_reset(&d->message);
		break;
	case SS_CLOSE:
		if (!buf_addf(&d->events, "CLOSE %.*s\n", (int)info->text.n,
			info->text.p))
			d->is_broken = true;
		d->is_broken |= d->is_closed;
		d->is_closed = true;
		break;
	}
	if (ev != SS_MAIL && ev != SS_RCPT && ev != SS_END)
		return;
	if (d->is_deaf)
		d->pending = ev;
	else
		ss_driver_answer(d, ev,
		    info->lacks_utf8 && strstr(info->addr, "@kept") != NULL
			? 553
			: ss_driver_code(ev == SS_END ? buf_str(&d->message)
						      : info->addr));
}

/* Pulls events until there are none, and takes away what was said. */
static inline void
ss_driver_run(struct ss_driver *d)
{
	struct ss_info info;
	enum ss_event ev;
	const void *p;
	size_t n;

	do {
		while ((ev = smtp_server_next(d->s, &info)) != SS_IDLE)
			ss_driver_event(d, ev, &info);
		if ((n = smtp_server_peek(d->s, &p)) > 0) {
			d->is_broken |= !buf_add(&d->out, p, n);
			smtp_server_sent(d->s, n);
		}
	} while (n > 0); /* the engine may have waited for that */
}

/* Gives it n bytes, chunk at a time; returns how many it took, which is less
 * only when it closed or an answer is pending. */
static inline size_t
ss_driver_feed(struct ss_driver *d, const void *bytes, size_t n, size_t chunk)
{
	const char *p = bytes;
	size_t used = 0, now, room;

	ss_driver_run(d);
	while (used < n && (room = smtp_server_room(d->s)) > 0) {
		now = n - used < chunk ? n - used : chunk;
		now = now < room ? now : room;
		smtp_server_put(d->s, p + used, now);
		used += now;
		ss_driver_run(d);
	}
	return used;
}

#endif
