/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/identity.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr_list.h"
#include "mail/mime.h"

enum { NAME_SIZE_MAX = 4096, VALUE_MAX = 16384 };

struct work {
	struct header *h;
	const struct identity_opts *o;
	struct identity_result *ret;
};

static struct bytes
bytes_or_none(const char *s)
{
	return s != NULL ? bytes_of(s, strlen(s)) : bytes_of("", 0);
}

static bool
keeps_all(const struct identity_opts *o)
{
	return o->mode == IDENTITY_KEEP || o->address == NULL ||
	       o->address[0] == '\0';
}

static bool
is_listed(const struct identity_opts *o, const char *addr)
{
	for (size_t i = 0; i < o->nallowed; i++)
		if (str_match(o->allowed[i], addr))
			return true;
	return false;
}

bool
identity_allows(const struct identity_opts *o, const char *addr)
{
	char base[ADDR_MAX + 1];

	if (keeps_all(o) || str_eq_nocase(addr, o->address))
		return true;
	if (o->mode == IDENTITY_FORCE)
		return false;
	return is_listed(o, addr) ||
	       (addr_without_tag(addr, base) &&
		   (str_eq_nocase(base, o->address) || is_listed(o, base)));
}

/* The first address that may not stay; NULL: the field has none. */
static const struct addr_item *
first_refused(const struct identity_opts *o, const struct addr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!identity_allows(o, l->items[i].addr))
			return &l->items[i];
	return NULL;
}

static bool
allows_list(const struct identity_opts *o, const struct addr_list *l)
{
	return l->n > 0 && first_refused(o, l) == NULL;
}

/* --- display names -------------------------------------------------------- */

/* "pve1.lan": "pve1" */
static struct bytes
first_label(struct bytes domain)
{
	const char *dot = memchr(domain.p, '.', domain.n);

	return dot != NULL ? bytes_of(domain.p, (size_t)(dot - domain.p))
			   : domain;
}

/* "root on pve1" for names of this place, "alice at example.com" for others:
 * an address as display name is what forgers do. */
static void
make_name(const struct identity_opts *o, const char *addr, struct buf *to)
{
	struct bytes local, domain;
	bool is_here;

	if (addr == NULL || addr[0] == '\0' || str_eq_nocase(addr, o->address))
		return;
	is_here = addr_is_local_name(bytes_or_none(addr), o->hostname);
	IGNORE(addr_split(bytes_or_none(addr), &local, &domain));
	if (domain.n == 0 || bytes_eq_nocase(domain, "localhost"))
		domain = bytes_or_none(o->hostname);
	if (is_here && domain.n > 0 && domain.p[0] != '[')
		domain = first_label(domain);
	/* A name that is too long for the buffer is cut. */
	IGNORE(buf_add(to, local.p, local.n) && domain.n > 0 &&
	       buf_adds(to, is_here ? " on " : " at ") &&
	       buf_add(to, domain.p, domain.n));
}

/* RFC 5322 3.2.5: atoms (encoded words are some), dots, quoted strings, and
 * nothing that would end the phrase or need a newer reader.  Then it stays as
 * it was written. */
static bool
is_sound_phrase(struct bytes phrase)
{
	bool is_quoted = false;

	for (size_t i = 0; i < phrase.n; i++)
		if ((unsigned char)phrase.p[i] < ' ' ||
		    (unsigned char)phrase.p[i] >= 0x7f)
			return false;
	for (size_t i = 0; i < phrase.n; i++) {
		char c = phrase.p[i];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (c == '\\' && is_quoted && i + 1 < phrase.n)
			i++;
		else if (!is_quoted && strchr("()<>[]:;@\\,", c) != NULL)
			return false;
	}
	return phrase.n > 0 && !is_quoted;
}

/* "phrase <account's address>"; it is the old mailbox, or NULL. */
static bool
make_mailbox(
    const struct identity_opts *o, const struct addr_item *it, struct buf *to)
{
	struct bytes address = bytes_or_none(o->address);
	struct buf name;
	bool ok;

	if (it != NULL && is_sound_phrase(it->phrase))
		return buf_add(to, it->phrase.p, it->phrase.n) &&
		       buf_addf(to, " <%s>", o->address);
	buf_init(&name, NAME_SIZE_MAX);
	if (it != NULL)
		addr_item_name(it, &name);
	if (bytes_trim(buf_bytes(&name)).n == 0) {
		buf_reset(&name);
		if (o->full_name != NULL && o->full_name[0] != '\0')
			IGNORE(buf_adds(&name, o->full_name)); /* or cut */
		else
			make_name(o, it != NULL ? it->addr : NULL, &name);
	}
	ok = mime_mailbox(to, buf_bytes(&name), address);
	buf_clear(&name);
	return ok;
}

/* --- the fields ----------------------------------------------------------- */

/* Puts the account in field i; HEADER_NONE: in a new one. */
static bool
replace_author(
    struct work *w, const char *field, size_t i, const struct addr_item *first)
{
	struct buf value;
	bool ok;

	buf_init(&value, VALUE_MAX);
	ok = make_mailbox(w->o, first, &value);
	if (ok && i != HEADER_NONE)
		ok = header_replace(w->h, i, field, buf_bytes(&value));
	else if (ok)
		ok = header_append(w->h, field, buf_bytes(&value));
	buf_clear(&value);
	return ok;
}

static bool
add_reply_to(struct work *w, const struct addr_item *old)
{
	struct bytes addr = bytes_or_none(old->addr);
	struct buf value;
	bool ok;

	if (header_find(w->h, "Reply-To", 0) != HEADER_NONE ||
	    !addr_is_mailbox(addr) ||
	    addr_is_local_name(addr, w->o->hostname) ||
	    !addr_domain_is_public(addr_domain(addr)))
		return true;
	buf_init(&value, VALUE_MAX);
	ok = buf_addf(&value, "<%s>", old->addr) &&
	     header_append(w->h, "Reply-To", buf_bytes(&value));
	buf_clear(&value);
	if (ok)
		w->ret->changed |= IDENTITY_ADDED_REPLY_TO;
	return ok;
}

static bool
change_from(struct work *w, size_t i, const struct addr_list *l)
{
	const struct addr_item *old = first_refused(w->o, l);

	w->ret->changed |= IDENTITY_CHANGED_FROM;
	if (old != NULL) {
		IGNORE(str_copy(w->ret->old_from, sizeof(w->ret->old_from),
		    bytes_or_none(old->addr))); /* it fits */
		if (!add_reply_to(w, old))
			return false;
	}
	return replace_author(w, "From", i, l->n > 0 ? &l->items[0] : NULL);
}

static bool
change_resent(struct work *w, size_t i, const struct addr_list *l)
{
	w->ret->changed |= IDENTITY_CHANGED_RESENT;
	return replace_author(
	    w, "Resent-From", i, l->n > 0 ? &l->items[0] : NULL);
}

/* Reads the field, asks whether it may stay, else has it changed.  The list
 * borrows the text, which moves when the header changes: hence the copy. */
static bool
check_author(struct work *w, size_t i,
    bool (*change)(struct work *w, size_t i, const struct addr_list *l))
{
	struct addr_list l;
	struct buf text;
	bool ok = true;

	buf_init(&text, HEADER_FIELD_MAX);
	if (i != HEADER_NONE)
		IGNORE(header_value(w->h, i, &text)); /* it fits */
	addr_list_parse(&l, buf_bytes(&text));
	if (!allows_list(w->o, &l))
		ok = change(w, i, &l);
	addr_list_clear(&l);
	buf_clear(&text);
	return ok;
}

static bool
apply_from(struct work *w)
{
	size_t i = header_find(w->h, "From", 0), more;

	if (!check_author(w, i, change_from))
		return false;
	/* A second one would be where to hide another author. */
	while (i != HEADER_NONE &&
	       (more = header_find(w->h, "From", i + 1)) != HEADER_NONE) {
		header_remove(w->h, more);
		w->ret->changed |= IDENTITY_CHANGED_FROM;
	}
	return true;
}

static bool
apply_resent(struct work *w)
{
	for (size_t i = header_find(w->h, "Resent-From", 0); i != HEADER_NONE;
	     i = header_find(w->h, "Resent-From", i + 1))
		if (!check_author(w, i, change_resent))
			return false;
	return true;
}

static bool
field_is_allowed(struct work *w, size_t i)
{
	struct addr_list l;
	bool ok;

	addr_list_parse(&l, header_at(w->h, i).body);
	ok = allows_list(w->o, &l);
	addr_list_clear(&l);
	return ok;
}

/* Sender says who sent what others wrote.  Where the authors have been
 * replaced it has nothing to add; a foreign one is replaced. */
static bool
apply_sender(struct work *w, const char *field, enum identity_change author,
    enum identity_change own)
{
	for (size_t i = header_find(w->h, field, 0); i != HEADER_NONE;
	     i = header_find(w->h, field, i + 1)) {
		bool is_bare = (w->ret->changed & author) != 0;

		if (!is_bare && field_is_allowed(w, i))
			continue;
		w->ret->changed |= own;
		if (is_bare)
			header_remove(w->h, i);
		else if (!header_replace(
			     w->h, i, field, bytes_or_none(w->o->address)))
			return false;
	}
	return true;
}

/* --- signatures: RFC 6376 ------------------------------------------------- */

/* Is name in a list of names with ":" between? */
static bool
names_include(struct bytes list, const char *name)
{
	while (list.n > 0) {
		const char *colon = memchr(list.p, ':', list.n);
		size_t n = colon != NULL ? (size_t)(colon - list.p) : list.n;

		if (bytes_eq_nocase(bytes_trim(bytes_of(list.p, n)), name))
			return true;
		n += colon != NULL;
		list = bytes_of(list.p + n, list.n - n);
	}
	return false;
}

/* The value of the h= tag; empty if there is none. */
static struct bytes
signed_names(struct bytes signature)
{
	while (signature.n > 0) {
		const char *end = memchr(signature.p, ';', signature.n);
		size_t n = end != NULL ? (size_t)(end - signature.p)
				       : signature.n;
		struct bytes tag = bytes_trim(bytes_of(signature.p, n));
		const char *eq = memchr(tag.p, '=', tag.n);

		if (eq != NULL &&
		    bytes_eq(
			bytes_trim(bytes_of(tag.p, (size_t)(eq - tag.p))), "h"))
			return bytes_of(
			    eq + 1, tag.n - (size_t)(eq - tag.p) - 1);
		n += end != NULL;
		signature = bytes_of(signature.p + n, signature.n - n);
	}
	return signature;
}

static bool
is_stale(const struct work *w, struct bytes signature)
{
	static const struct {
		unsigned change;
		const char *name;
	} rows[] = {
		{ IDENTITY_CHANGED_FROM, "From" },
		{ IDENTITY_CHANGED_SENDER, "Sender" },
		{ IDENTITY_CHANGED_RESENT, "Resent-From" },
		{ IDENTITY_CHANGED_RESENT, "Resent-Sender" },
		{ IDENTITY_ADDED_REPLY_TO, "Reply-To" },
	};
	struct bytes names = signed_names(signature);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((w->ret->changed & rows[i].change) != 0 &&
		    names_include(names, rows[i].name))
			return true;
	/* RFC 6376 5.4: From is always signed. */
	return (w->ret->changed & IDENTITY_CHANGED_FROM) != 0;
}

static void
remove_stale_signatures(struct work *w)
{
	for (size_t i = header_find(w->h, "DKIM-Signature", 0);
	     i != HEADER_NONE; i = header_find(w->h, "DKIM-Signature", i + 1))
		if (is_stale(w, header_at(w->h, i).body)) {
			header_remove(w->h, i);
			w->ret->changed |= IDENTITY_REMOVED_SIGNATURE;
		}
}

/* --- the whole ------------------------------------------------------------ */

static void
apply_envelope(struct work *w, const char *sender)
{
	const char *now = sender;
	bool stays = sender[0] == '\0' ? w->o->keeps_null_sender
				       : identity_allows(w->o, sender);

	if (!stays && !keeps_all(w->o)) {
		now = w->o->address;
		w->ret->changed |= IDENTITY_CHANGED_ENVELOPE;
	}
	/* An address of the configuration has been checked for its length. */
	IGNORE(str_copy(
	    w->ret->sender, sizeof(w->ret->sender), bytes_or_none(now)));
}

static bool
apply_fields(struct work *w)
{
	return apply_from(w) &&
	       apply_sender(w, "Sender", IDENTITY_CHANGED_FROM,
		   IDENTITY_CHANGED_SENDER) &&
	       apply_resent(w) &&
	       apply_sender(w, "Resent-Sender", IDENTITY_CHANGED_RESENT,
		   IDENTITY_CHANGED_RESENT);
}

bool
identity_apply(struct header *h, const char *sender,
    const struct identity_opts *opts, struct identity_result *ret)
{
	struct identity_result r = { .changed = 0 };
	struct work w = { .h = h, .o = opts, .ret = &r };

	apply_envelope(&w, sender);
	if (header_remove_all(h, "Return-Path") > 0)
		r.changed |= IDENTITY_REMOVED_RETURN_PATH;
	if (!keeps_all(opts) && !apply_fields(&w))
		return false;
	remove_stale_signatures(&w);
	*ret = r; /* last: sender may be that of an earlier result */
	return true;
}
