/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/fill.h"

#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/date.h"
#include "mail/mime.h"
#include "mail/msgid.h"

enum { VALUE_MAX = 8192 };

/* True if the message has a field of this name with something in it.  Empty
 * ones are taken out: two of these would be worse than none. */
static bool
has_value(struct header *h, const char *name)
{
	bool found = false;

	for (size_t i = header_find(h, name, 0); i != HEADER_NONE;
	     i = header_find(h, name, i + 1)) {
		if (bytes_trim(header_at(h, i).body).n > 0)
			found = true;
		else
			header_remove(h, i);
	}
	return found;
}

static struct bytes
bytes_or_none(const char *s)
{
	return s != NULL ? bytes_of(s, strlen(s)) : bytes_of("", 0);
}

/* Appends local@hostname; false, and nothing appended, if that is none. */
static bool
add_at_host(struct buf *to, struct bytes local, const char *hostname)
{
	size_t before = buf_len(to);

	if (local.n > 0 && buf_add(to, local.p, local.n) && buf_addc(to, '@') &&
	    buf_adds(to, hostname) &&
	    addr_is_mailbox(
		bytes_of(buf_str(to) + before, buf_len(to) - before)))
		return true;
	buf_truncate(to, before);
	return false;
}

static bool
add_author(struct buf *to, const struct fill_facts *f)
{
	struct bytes sender = bytes_or_none(f->env->sender);

	if (addr_is_mailbox(sender))
		return buf_add(to, sender.p, sender.n);
	return add_at_host(to, sender, f->hostname) ||
	       add_at_host(to, bytes_or_none(f->env->user), f->hostname) ||
	       add_at_host(to, bytes_of("postmaster", 10), f->hostname) ||
	       buf_adds(to, "postmaster@localhost");
}

bool
fill_from(struct header *h, const struct fill_facts *f)
{
	struct buf addr, value;
	bool ok;

	if (has_value(h, "From"))
		return true;
	buf_init(&addr, ADDR_MAX);
	buf_init(&value, VALUE_MAX);
	ok = add_author(&addr, f) &&
	     mime_mailbox(
		 &value, bytes_or_none(f->full_name), buf_bytes(&addr)) &&
	     header_append(h, "From", buf_bytes(&value));
	buf_clear(&addr);
	buf_clear(&value);
	return ok;
}

bool
fill_date(struct header *h, const struct fill_facts *f)
{
	char date[DATE_TEXT_SIZE];

	if (has_value(h, "Date"))
		return true;
	IGNORE(date_rfc5322(f->wall_ms, f->utc_offset_s, date)); /* is date */
	return header_append(h, "Date", bytes_of(date, strlen(date)));
}

static bool
is_public(const char *addr)
{
	return addr_domain_is_public(addr_domain(bytes_of(addr, strlen(addr))));
}

/* Whose domain may stand in the Message-ID: the envelope sender's, or, where
 * that is a local name such as root@pve1, that of the author in From. */
static void
public_sender(
    const struct header *h, const struct fill_facts *f, char ret[ADDR_MAX + 1])
{
	size_t i = header_find(h, "From", 0);
	struct addr_list from;
	const char *addr = f->env->sender;

	addr_list_parse(
	    &from, i != HEADER_NONE ? header_at(h, i).body : bytes_of("", 0));
	if (!is_public(addr) && from.n > 0 && is_public(from.items[0].addr))
		addr = from.items[0].addr;
	IGNORE(str_copy(ret, ADDR_MAX + 1, bytes_of(addr, strlen(addr))));
	addr_list_clear(&from);
}

bool
fill_message_id(struct header *h, const struct fill_facts *f)
{
	char sender[ADDR_MAX + 1];
	struct buf value;
	bool ok;

	if (has_value(h, "Message-ID"))
		return true;
	public_sender(h, f, sender);
	buf_init(&value, VALUE_MAX);
	ok = msgid_value(&value, f->env->id, f->hostname, sender, f->wall_ms) &&
	     header_append(h, "Message-ID", buf_bytes(&value));
	buf_clear(&value);
	return ok;
}
