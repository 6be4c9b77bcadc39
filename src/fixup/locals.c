/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/locals.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/mailbox.h"

static bool
has_local(const struct addr_list *l, const struct locals_opts *o)
{
	for (size_t i = 0; i < l->n; i++)
		if (o->is_local(o->ctx, l->items[i].addr))
			return true;
	return false;
}

/* The mailboxes of a field as they are to be, commas between. */
struct writing {
	const struct locals_opts *o;
	struct addr_list seen; /* written in place of local names */
	struct buf value;
};

static bool
add_mailbox(struct writing *w, const struct addr_item *it, const char *addr)
{
	return (buf_len(&w->value) == 0 || buf_adds(&w->value, ", ")) &&
	       mailbox_add(&w->value, it, bytes_of(addr, strlen(addr)));
}

static bool
add_item(struct writing *w, const struct addr_item *it)
{
	size_t at = w->seen.n;
	bool ok = true;

	if (!w->o->is_local(w->o->ctx, it->addr))
		return add_mailbox(w, it, it->addr);
	if (!w->o->resolve(w->o->ctx, it->addr, &w->seen))
		return true;
	for (; ok && at < w->seen.n; at++)
		ok = add_mailbox(w, it, w->seen.items[at].addr);
	return ok;
}

/* Writes field i anew.  RFC 5322 3.6.3: To and Cc may be missing, not empty. */
static bool
rewrite(struct header *h, size_t i, const char *name, struct writing *w,
    const struct addr_list *l)
{
	for (size_t k = 0; k < l->n; k++)
		if (!add_item(w, &l->items[k]))
			return false;
	if (buf_len(&w->value) > 0)
		return header_replace(h, i, name, buf_bytes(&w->value));
	if (!str_eq_nocase(name, "To")) {
		header_remove(h, i);
		return true;
	}
	return header_replace(h, i, name,
	    bytes_of("undisclosed-recipients:;",
		sizeof("undisclosed-recipients:;") - 1));
}

static bool
repair_field(
    struct header *h, size_t i, const char *name, const struct locals_opts *o)
{
	struct writing w = { .o = o };
	struct addr_list l;
	struct buf text;
	bool ok = true;

	buf_init(&text, HEADER_VALUE_MAX);
	buf_init(&w.value, HEADER_WORK_MAX);
	IGNORE(header_value(h, i, &text)); /* it fits */
	addr_list_parse(&l, buf_bytes(&text));
	if (has_local(&l, o))
		ok = rewrite(h, i, name, &w, &l);
	addr_list_clear(&w.seen);
	addr_list_clear(&l);
	buf_clear(&w.value);
	buf_clear(&text);
	return ok;
}

bool
locals_repair(struct header *h, const struct locals_opts *o)
{
	static const char *const names[] = { "To", "Cc", "Reply-To",
		"Resent-To", "Resent-Cc" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = header_find(h, names[n], 0); i != HEADER_NONE;
		     i = header_find(h, names[n], i + 1))
			if (!repair_field(h, i, names[n], o))
				return false;
	return true;
}
