/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/guard.h"

#include <string.h>

#include "base/str.h"
#include "smtp/smtp_params.h"
#include "smtp/syntax.h"

enum { OFFERED = SMTP_OFFER_DSN | SMTP_OFFER_XRELAIS };

static bool
is_same(const char *parsed, const char *given)
{
	if (parsed == NULL || given == NULL)
		return parsed == given;
	return strcmp(parsed, given) == 0;
}

/* "<addr>" and what follows.  False: it is no path, or another one. */
static bool
read_path(const struct envelope *e, struct bytes command, const char *addr,
    struct bytes *ret_rest)
{
	struct syntax_path path;

	if (!syntax_path(command, &path) || !bytes_eq(path.addr, addr) ||
	    (path.is_8bit && !(path.is_utf8 && e->is_utf8)))
		return false;
	*ret_rest = path.rest;
	return true;
}

static bool
add_param(struct buf *to, const char *key, const char *value)
{
	return value == NULL || buf_addf(to, " %s=%s", key, value);
}

static bool
is_sound_mail(const struct envelope *e, struct buf *command)
{
	struct smtp_mail_params p;
	struct bytes rest;

	return buf_addf(command, "<%s>", e->sender) &&
	       add_param(command, "ENVID", e->envid) &&
	       add_param(command, "XACCOUNT", e->account) &&
	       read_path(e, buf_bytes(command), e->sender, &rest) &&
	       smtp_params_mail(rest, OFFERED, &p) == NULL &&
	       is_same(p.mail.envid, e->envid) &&
	       is_same(p.mail.account, e->account);
}

/* RFC 3461 4.1: "never" stands alone. */
static bool
is_sound_notify(unsigned notify)
{
	return (notify & DSN_NOTIFY_NEVER) == 0 || notify == DSN_NOTIFY_NEVER;
}

static bool
is_sound_rcpt(
    const struct envelope *e, const struct rcpt *r, struct buf *command)
{
	struct smtp_rcpt_params p;
	struct bytes rest;

	return r->addr[0] != '\0' && is_sound_notify(r->notify) &&
	       buf_addf(command, "<%s>", r->addr) &&
	       add_param(command, "ORCPT", r->orcpt) &&
	       read_path(e, buf_bytes(command), r->addr, &rest) &&
	       smtp_params_rcpt(rest, OFFERED, &p) == NULL &&
	       is_same(p.rcpt.orcpt, r->orcpt);
}

const char *
guard_refuses(const struct envelope *e)
{
	struct buf command;
	bool ok;

	buf_init(&command, SMTP_COMMAND_LINE_MAX);
	ok = is_sound_mail(e, &command);
	for (size_t i = 0; ok && i < e->nrcpts; i++) {
		buf_reset(&command);
		ok = is_sound_rcpt(e, &e->rcpts[i], &command);
	}
	buf_clear(&command);
	return ok ? NULL : "it contains an invalid address or parameter";
}
