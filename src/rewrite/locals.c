/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/locals.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/envelope.h"
#include "mail/field_name.h"
#include "mail/mailbox.h"
#include "mail/xtext.h"
#include "rewrite/notes.h"

enum { ROUNDS_MAX = 3 };

/* One field, and its mailboxes as they are to be, commas between. */
struct writing {
	const struct locals_opts *o;
	unsigned roles; /* of field_name.h */
	struct addr_list given;
	bool is_8bit;
	size_t nlocal; /* of them */
	struct addr_list seen; /* written in place of local names */
	struct buf value;
	unsigned notes;
};

static bool
is_local(const struct writing *w, const struct addr_item *it)
{
	return (w->roles & FIELD_AUTHORS) == 0 &&
	       w->o->is_local(w->o->ctx, it->addr);
}

static void
read_field(struct writing *w, struct bytes value)
{
	addr_list_parse_names(&w->given, value, w->o->is_name, w->o->ctx);
	w->is_8bit = !str_is_ascii(value);
	for (size_t i = 0; i < w->given.n; i++)
		w->nlocal += is_local(w, &w->given.items[i]);
	if (w->given.has_joined)
		w->notes |= NOTE_BIT(NOTE_COMMA);
	if (w->given.hides_rcpts && w->given.is_loose)
		w->notes |= NOTE_BIT(NOTE_NOBODY);
	else if (w->given.n == 0)
		w->notes |= NOTE_BIT(NOTE_EMPTY);
}

/* Text that was not understood would be lost, so a field is rewritten only for
 * a reason.  One is that it would go out as an encoded word, which is no
 * address to anybody. */
static bool
must_change(const struct writing *w)
{
	const struct addr_list *l = &w->given;

	if ((w->roles & FIELD_AUTHORS) != 0)
		return l->is_loose && !l->is_malformed && l->n > 0;
	if (l->n == 0) /* names only: "Joe <>" */
		return l->is_malformed ? w->is_8bit : l->is_loose;
	return w->nlocal > 0 || l->has_joined ||
	       (l->is_loose && (!l->is_malformed || l->hides_rcpts));
}

static bool
add_mailbox(struct writing *w, const struct addr_item *it, const char *addr)
{
	return (buf_len(&w->value) == 0 || buf_adds(&w->value, ", ")) &&
	       mailbox_add(&w->value, it, bytes_str(addr));
}

/* A bare word that is no local name: its mail goes to the admin, whose address
 * must not appear in the field. */
static bool
is_stray_word(const struct writing *w, const struct addr_item *it)
{
	return w->o->is_name != NULL && strchr(it->addr, '@') == NULL &&
	       !w->o->is_name(w->o->ctx, it->addr);
}

static bool
add_item(struct writing *w, const struct addr_item *it)
{
	size_t at = w->seen.n;
	bool ok = true;

	if (!is_local(w, it))
		return add_mailbox(w, it, it->addr);
	if (is_stray_word(w, it)) {
		w->notes |= NOTE_BIT(NOTE_STRANGER);
		return true;
	}
	if (!w->o->resolve(w->o->ctx, it->addr, &w->seen))
		return true;
	for (; ok && at < w->seen.n; at++)
		ok = add_mailbox(w, it, w->seen.items[at].addr);
	return ok;
}

static bool
replace(struct header *h, size_t i, const char *name, struct bytes value,
    bool *ret_is_new)
{
	*ret_is_new = true;
	return header_replace(h, i, name, value);
}

static bool
rewrite(struct header *h, size_t i, const char *name, struct writing *w,
    bool *ret_is_new)
{
	if ((w->roles & FIELD_TRACE) != 0 && w->nlocal > 0) {
		header_remove(h, i);
		return true;
	}
	if (w->given.is_malformed)
		w->notes |= NOTE_BIT(NOTE_BAD);
	for (size_t k = 0; k < w->given.n; k++)
		if (!add_item(w, &w->given.items[k]))
			return false;
	if (buf_len(&w->value) > 0)
		return replace(h, i, name, buf_bytes(&w->value), ret_is_new);
	if ((w->roles & FIELD_REQUIRED) == 0) {
		header_remove(h, i);
		return true;
	}
	return header_replace(h, i, name, bytes_str(ADDR_LIST_NOBODY));
}

/* *ret_is_new: it has another value now, of which the same can be asked. */
static bool
repair_field(struct header *h, size_t i, const char *name, unsigned roles,
    const struct locals_opts *o, unsigned *notes, bool *ret_is_new)
{
	struct writing w = { .o = o, .roles = roles };
	struct buf text;
	bool ok = true;

	buf_init(&text, HEADER_VALUE_MAX);
	buf_init(&w.value, HEADER_WORK_MAX);
	IGNORE(header_value(h, i, &text)); /* it fits */
	read_field(&w, buf_bytes(&text));
	if (must_change(&w)) {
		ok = rewrite(h, i, name, &w, ret_is_new);
		*notes |= w.notes;
	}
	addr_list_clear(&w.seen);
	addr_list_clear(&w.given);
	buf_clear(&w.value);
	buf_clear(&text);
	return ok;
}

bool
locals_repair(struct header *h, const struct locals_opts *o, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		const char *name;
		unsigned roles = field_name_roles(header_at(h, i).name, &name);
		bool is_new = roles != 0;

		/* "a;b <c@d>" is "a, b <c@d>" first, and then has a comma in
		 * its name. */
		for (int n = 0; n < ROUNDS_MAX && is_new; n++) {
			is_new = false;
			if (!repair_field(h, i, name, roles, o, notes, &is_new))
				return false;
		}
	}
	return true;
}

/* --- the envelope --------------------------------------------------------- */

/* RFC 3461 4.2: what the recipient was called at first; NULL: it does not
 * fit. */
static char *
original(const char *hostname, struct bytes addr)
{
	struct bytes local, domain;
	struct buf orcpt;

	buf_init(&orcpt, 4 * ADDR_MAX);
	/* Other servers want a domain there. */
	if (!buf_adds(&orcpt, "rfc822;") || !xtext_encode(&orcpt, addr) ||
	    (!addr_split(addr, &local, &domain) &&
		!buf_addf(&orcpt, "@%s", hostname)))
		buf_clear(&orcpt); /* longer than it may be: do without */
	return buf_len(&orcpt) > 0 ? buf_steal(&orcpt) : NULL;
}

bool
locals_add_rcpt(const struct locals_opts *o, const char *hostname,
    struct envelope *env, struct addr_list *known,
    const struct locals_rcpt *given)
{
	size_t at = known->n;
	char *orcpt = NULL;
	struct rcpt *r;

	if (!o->resolve(o->ctx, given->addr, known))
		return false;
	if (given->orcpt == NULL && at < known->n &&
	    strcmp(known->items[at].addr, given->addr) != 0)
		orcpt = original(hostname, bytes_str(given->addr));
	for (; at < known->n; at++) {
		r = envelope_add_rcpt(env, known->items[at].addr);
		envelope_set(
		    &r->orcpt, given->orcpt != NULL ? given->orcpt : orcpt);
		r->notify = given->notify;
	}
	free(orcpt);
	return true;
}

struct envelope *
locals_envelope(const struct locals_opts *o, const char *hostname,
    const struct envelope *given, bool *ret_is_whole)
{
	struct envelope *e = envelope_dup(given);
	struct addr_list known = { 0 };

	*ret_is_whole = true;
	envelope_clear_rcpts(e);
	for (size_t i = 0; i < given->nrcpts; i++) {
		const struct rcpt *r = &given->rcpts[i];
		struct locals_rcpt one = { r->addr, r->orcpt, r->notify };

		if (!locals_add_rcpt(o, hostname, e, &known, &one))
			*ret_is_whole = false;
	}
	addr_list_clear(&known);
	return e;
}
