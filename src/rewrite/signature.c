/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/signature.h"

#include <string.h>

#include "base/str.h"

/* Beyond this number of changed fields every signature counts as broken. */
enum { CHANGED_MAX = 64 };

/* Names of the fields that have changed, each once; borrowed. */
struct changed {
	struct bytes names[CHANGED_MAX];
	size_t n;
	bool is_full;
};

static bool
includes(const struct changed *c, struct bytes name)
{
	for (size_t i = 0; i < c->n; i++)
		if (bytes_same_nocase(c->names[i], name))
			return true;
	return false;
}

static void
collect(const struct header *h, struct changed *c)
{
	struct bytes name;

	c->n = 0;
	c->is_full = false;
	for (size_t i = header_find_change(h, 0, &name);
	     i != HEADER_NONE && !c->is_full;
	     i = header_find_change(h, i + 1, &name)) {
		if (includes(c, name))
			continue;
		c->is_full = c->n == CHANGED_MAX;
		if (!c->is_full)
			c->names[c->n++] = name;
	}
}

/* The value of the h= tag; empty if there is none. */
static struct bytes
signed_names(struct bytes signature)
{
	while (signature.n > 0) {
		struct bytes value = bytes_cut(&signature, ';');
		struct bytes tag = bytes_cut(&value, '=');

		if (bytes_eq(bytes_trim(tag), "h"))
			return value;
	}
	return signature;
}

/* Is one of a list of names with ":" between among those that changed? */
static bool
includes_any(const struct changed *c, struct bytes list)
{
	while (list.n > 0)
		if (includes(c, bytes_trim(bytes_cut(&list, ':'))))
			return true;
	return false;
}

/* A signature that was folded or encoded is no longer what was signed. */
static bool
remove_changed(struct header *h)
{
	struct bytes name;
	size_t change = header_find_change(h, 0, &name);
	bool found = false;

	/* Both lists are walked in parallel, because each may have 20,000
	 * entries. */
	for (size_t i = header_find(h, "DKIM-Signature", 0); i != HEADER_NONE;
	     i = header_find(h, "DKIM-Signature", i + 1)) {
		while (change < i)
			change = header_find_change(h, change + 1, &name);
		if (change == i) {
			header_remove(h, i);
			found = true;
		}
	}
	return found;
}

bool
signature_remove_stale(struct header *h)
{
	struct changed c;
	bool is_from, found = remove_changed(h);

	collect(h, &c);
	is_from = includes(&c, bytes_of("From", 4));
	for (size_t i = header_find(h, "DKIM-Signature", 0);
	     i != HEADER_NONE && c.n > 0;
	     i = header_find(h, "DKIM-Signature", i + 1))
		if (c.is_full || is_from ||
		    includes_any(&c, signed_names(header_at(h, i).body))) {
			header_remove(h, i);
			found = true;
		}
	return found;
}
