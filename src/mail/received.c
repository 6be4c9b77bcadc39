/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/received.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/date.h"

enum { NAME_MAX_LEN = 255 };

static bool
is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._+:[]", c) != NULL);
}

/* Only characters of names and address literals; never nothing. */
static bool
add_name(struct buf *to, const char *name)
{
	size_t n = name != NULL ? strnlen(name, NAME_MAX_LEN) : 0;

	if (n == 0)
		return buf_adds(to, "unknown");
	for (size_t i = 0; i < n; i++)
		if (!buf_addc(to, is_name_char(name[i]) ? name[i] : '?'))
			return false;
	return true;
}

/* "127.0.0.1:40112" or "[::1]:40112": the address without the port; empty if
 * the peer is none ("unix", "drop"). */
static struct bytes
peer_address(const char *peer)
{
	const char *port = strrchr(peer, ':');
	struct bytes b;

	if (port == NULL)
		return bytes_of(peer, 0);
	b = bytes_of(peer, (size_t)(port - peer));
	if (b.n >= 2 && b.p[0] == '[' && b.p[b.n - 1] == ']')
		b = bytes_of(b.p + 1, b.n - 2);
	for (size_t i = 0; i < b.n; i++)
		if (!is_name_char(b.p[i]) || b.p[i] == '[' || b.p[i] == ']')
			return bytes_of(peer, 0);
	return b;
}

/* RFC 5321 4.1.3 */
static bool
add_literal(struct buf *to, struct bytes address)
{
	bool is_v6 = memchr(address.p, ':', address.n) != NULL;

	return buf_adds(to, is_v6 ? "[IPv6:" : "[") &&
	       buf_add(to, address.p, address.n) && buf_addc(to, ']');
}

static bool
add_user(struct buf *to, const struct envelope *e)
{
	if (!uid_is_known(e->uid))
		return true;
	if (e->user != NULL && !(buf_adds(to, " (user ") &&
				   add_name(to, e->user) && buf_adds(to, ",")))
		return false;
	return buf_addf(to, e->user != NULL ? " uid %lu)" : " (uid %lu)",
	    (unsigned long)e->uid);
}

static bool
add_from_net(
    struct buf *to, const struct received_opts *o, struct bytes address)
{
	return buf_adds(to, "from ") && add_name(to, o->env->helo) &&
	       buf_adds(to, " (") && add_literal(to, address) &&
	       buf_addc(to, ')') && add_user(to, o->env) &&
	       buf_adds(to, " by ") && add_name(to, o->hostname) &&
	       buf_adds(to, " (relais)");
}

static bool
add_from_local(struct buf *to, const struct received_opts *o)
{
	const struct envelope *e = o->env;

	if (e->user != NULL && !(buf_adds(to, "from ") &&
				   add_name(to, e->user) && buf_addc(to, ' ')))
		return false;
	if (!buf_adds(to, "by ") || !add_name(to, o->hostname))
		return false;
	if (!uid_is_known(e->uid))
		return buf_adds(to, " (relais)");
	return buf_addf(to, " (relais, userid %lu)", (unsigned long)e->uid);
}

static bool
add_from(struct buf *to, const struct received_opts *o)
{
	struct bytes address = peer_address(o->env->peer);

	if (o->hide_submitter)
		return buf_adds(to, "by ") && add_name(to, o->hostname) &&
		       buf_adds(to, " (relais)");
	if (address.n > 0)
		return add_from_net(to, o, address);
	return add_from_local(to, o);
}

static bool
add_for(struct buf *to, const struct envelope *e)
{
	struct bytes addr;

	if (e->nrcpts != 1)
		return true;
	addr = bytes_str(e->rcpts[0].addr);
	/* A UTF-8 address would make the whole header need SMTPUTF8. */
	if (addr.n == 0 || !addr_is_safe(addr) || !str_is_ascii(addr))
		return true;
	return buf_adds(to, " for <") && buf_add(to, addr.p, addr.n) &&
	       buf_addc(to, '>');
}

bool
received_value(struct buf *to, const struct received_opts *o)
{
	char date[DATE_TEXT_SIZE];

	if (!add_from(to, o))
		return false;
	if (o->with != NULL &&
	    !(buf_adds(to, " with ") && add_name(to, o->with)))
		return false;
	if (o->env->id[0] != '\0' &&
	    !(buf_adds(to, " id ") && add_name(to, o->env->id)))
		return false;
	return add_for(to, o->env) && buf_adds(to, "; ") &&
	       buf_adds(to, date_rfc5322(o->wall_ms, o->utc_offset_s, date));
}
