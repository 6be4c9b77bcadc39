/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/single_fields.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "mail/addr_list.h"
#include "mail/mailbox.h"
#include "rewrite/locals.h"
#include "rewrite/notes.h"

static const struct row {
	const char *name;
	bool is_list;
} rows[] = {
	{ "From", false },
	{ "Sender", false },
	{ "Reply-To", true },
	{ "To", true },
	{ "Cc", true },
	{ "Subject", false },
	{ "In-Reply-To", false },
	{ "References", false },
	{ "MIME-Version", false },
	{ "Content-Type", false },
	{ "Content-Transfer-Encoding", false },
	{ "Content-ID", false },
	{ "Content-Description", false },
	{ "Content-Disposition", false },
};

/* The readable part of a list, written again: an unclosed quote must not
 * swallow the next list. */
static bool
add_sound(struct buf *to, const struct addr_list *l)
{
	bool ok = true;

	for (size_t i = 0; ok && i < l->n; i++) {
		const char *addr = l->items[i].addr;

		ok = (i == 0 || buf_adds(to, ", ")) &&
		     mailbox_add(to, &l->items[i], bytes_str(addr));
	}
	return ok;
}

static struct bytes
without_comma(struct bytes b)
{
	b = bytes_trim(b);
	while (b.n > 0 && b.p[b.n - 1] == ',')
		b = bytes_trim(bytes_of(b.p, b.n - 1));
	return b;
}

/* One of the lists, behind those that are there. */
static bool
add_list(struct buf *to, struct bytes value, const struct locals_opts *o,
    unsigned *notes)
{
	size_t before = buf_len(to), begun;
	struct addr_list l;
	bool ok;

	value = without_comma(value);
	ok = before == 0 || buf_adds(to, ", ");
	begun = buf_len(to);
	addr_list_parse_names(&l, value, o != NULL ? o->is_name : NULL,
	    o != NULL ? o->ctx : NULL);
	/* Else rewrite/locals.h will see it. */
	if (l.is_malformed && l.has_joined)
		*notes |= NOTE_BIT(NOTE_COMMA);
	ok = ok && (l.is_malformed ? add_sound(to, &l)
				   : buf_add(to, value.p, value.n));
	addr_list_clear(&l);
	if (buf_len(to) == begun)
		buf_truncate(to, before); /* it says nothing */
	return ok;
}

/* The values of all fields of this name, commas between.  False: they do not
 * fit into one. */
static bool
join(const struct header *h, const char *name, const struct locals_opts *o,
    struct buf *to, unsigned *notes)
{
	struct buf one;
	bool ok = true;

	buf_init(&one, HEADER_VALUE_MAX);
	for (size_t i = header_find(h, name, 0); ok && i != HEADER_NONE;
	     i = header_find(h, name, i + 1)) {
		buf_reset(&one);
		ok = header_value(h, i, &one) &&
		     add_list(to, buf_bytes(&one), o, notes);
	}
	buf_clear(&one);
	return ok;
}

/* The first non-empty one, else the first. */
static size_t
first_of(const struct header *h, const char *name)
{
	size_t first = header_find(h, name, 0);

	for (size_t i = first; i != HEADER_NONE;
	     i = header_find(h, name, i + 1))
		if (bytes_trim(header_at(h, i).body).n > 0)
			return i;
	return first;
}

static void
repair(struct header *h, const struct row *row, const struct locals_opts *o,
    unsigned *notes)
{
	size_t keep = first_of(h, row->name);
	struct buf all;
	bool fits = true;

	buf_init(&all, HEADER_VALUE_MAX);
	if (row->is_list) {
		fits = join(h, row->name, o, &all, notes) &&
		       header_replace(h, keep, row->name, buf_bytes(&all));
		if (buf_len(&all) == 0)
			keep = HEADER_NONE; /* nothing in any of them is read */
	}
	buf_clear(&all);
	for (size_t i = header_find(h, row->name, 0); fits && i != HEADER_NONE;
	     i = header_find(h, row->name, i + 1))
		if (i != keep)
			header_remove(h, i);
}

void
single_fields_repair(
    struct header *h, const struct locals_opts *o, unsigned *notes)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t first = header_find(h, rows[i].name, 0);

		if (first != HEADER_NONE &&
		    header_find(h, rows[i].name, first + 1) != HEADER_NONE)
			repair(h, &rows[i], o, notes);
	}
}
