/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/identity.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr_list.h"
#include "mail/idna.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"
#include "rewrite/signature.h"

enum { NAME_SIZE_MAX = 4096, VALUE_MAX = HEADER_VALUE_MAX };

struct work {
	struct header *h;
	const struct identity_opts *o;
	struct identity_result *ret;
};

static bool
has_address(const struct identity_opts *o)
{
	return o->address != NULL && o->address[0] != '\0';
}

static bool
keeps_all(const struct identity_opts *o)
{
	return o->mode == IDENTITY_KEEP || !has_address(o);
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
	/* "*" matches every address, but a bare name is not one. */
	if (o->mode == IDENTITY_FORCE || !addr_is_mailbox(bytes_str(addr)))
		return false;
	return is_listed(o, addr) ||
	       (addr_without_tag(addr, base) &&
		   (str_eq_nocase(base, o->address) || is_listed(o, base)));
}

/* The first address that may stay, or that may not; NULL: there is none. */
static const struct addr_item *
first_that(
    const struct identity_opts *o, const struct addr_list *l, bool is_allowed)
{
	for (size_t i = 0; i < l->n; i++)
		if (identity_allows(o, l->items[i].addr) == is_allowed)
			return &l->items[i];
	return NULL;
}

/* A field that is only partly understood is not allowed, because the provider
 * may understand the rest.  Nor is a group's name besides the author. */
static bool
allows_list(const struct identity_opts *o, const struct addr_list *l)
{
	return l->n > 0 && !l->is_malformed && !l->is_loose && !l->has_group &&
	       first_that(o, l, false) == NULL;
}

/* Exactly one visible author.  Only IDENTITY_FORCE forbids a name that contains
 * another address, because mailing lists use "joe@x via list". */
static bool
allows_author(const struct identity_opts *o, const struct addr_list *l,
    struct bytes field)
{
	return l->n == 1 && allows_list(o, l) &&
	       (o->mode != IDENTITY_FORCE ||
		   mailbox_is_plain(&l->items[0], field));
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

/* The machine's name for people; "localhost" is no name. */
static struct bytes
place_of(const struct identity_opts *o, struct bytes domain)
{
	if (domain.n == 0 || domain.p[0] == '[' ||
	    bytes_eq_nocase(first_label(domain), "localhost"))
		domain = bytes_str(o->hostname);
	return domain.n > 0 && domain.p[0] != '[' ? first_label(domain)
						  : domain;
}

/* "root on pve1" for local names, "alice at example.com" for others: a display
 * name that is an address looks like a forgery. */
static void
make_name(const struct identity_opts *o, const char *addr, struct buf *to)
{
	struct bytes local, domain;
	bool is_here;

	if (addr == NULL || addr[0] == '\0' || str_eq_nocase(addr, o->address))
		return;
	is_here = addr_is_local_name(bytes_str(addr), o->hostname);
	IGNORE(addr_split(bytes_str(addr), &local, &domain));
	if (is_here)
		domain = place_of(o, domain);
	/* A name that is too long for the buffer is cut.  Quotes may hold what
	 * would look like another address. */
	for (size_t i = 0; i < local.n; i++)
		IGNORE(buf_addc(to,
		    memchr("@<>", local.p[i], 3) != NULL ? ' ' : local.p[i]));
	IGNORE(domain.n > 0 && buf_adds(to, is_here ? " on " : " at ") &&
	       buf_add(to, domain.p, domain.n));
}

/* Does the name say more than the address? "root" on this machine, which many
 * programs take from the password file, does not. */
static bool
has_name(const struct identity_opts *o, const struct addr_item *it)
{
	struct bytes addr = bytes_str(it->addr), local, domain, name;
	struct buf text;
	bool has;

	buf_init(&text, NAME_SIZE_MAX);
	addr_item_name(it, &text);
	name = bytes_trim(buf_bytes(&text));
	IGNORE(addr_split(addr, &local, &domain));
	has = name.n > 0 &&
	      !(addr_is_local_name(addr, o->hostname) && name.n == local.n &&
		  bytes_has_prefix_nocase(local, buf_str(&text)));
	buf_clear(&text);
	return has;
}

/* The account's mailbox, with the display name of the old one or one made for
 * it; it may be NULL. */
static bool
add_account(
    const struct identity_opts *o, const struct addr_item *it, struct buf *to)
{
	struct bytes address = bytes_str(o->address);
	struct buf name;
	bool ok;

	if (it != NULL && has_name(o, it))
		return mailbox_add_plain(to, it, address);
	buf_init(&name, NAME_SIZE_MAX);
	if (o->full_name != NULL && o->full_name[0] != '\0')
		IGNORE(buf_adds(&name, o->full_name)); /* or cut */
	else
		make_name(o, it != NULL ? it->addr : NULL, &name);
	ok = rfc2047_mailbox(to, buf_bytes(&name), address);
	buf_clear(&name);
	return ok;
}

/* --- the fields ----------------------------------------------------------- */

/* A copy, because the list borrows the text, which moves when the header
 * changes. */
static void
read_list(
    const struct header *h, size_t i, struct buf *text, struct addr_list *ret)
{
	buf_init(text, HEADER_VALUE_MAX);
	if (i != HEADER_NONE)
		IGNORE(header_value(h, i, text)); /* it fits */
	addr_list_parse(ret, buf_bytes(text));
}

/* Does the field contain an address? An empty Reply-To does not count. */
static bool
names_somebody(const struct header *h, const char *field)
{
	bool found = false;

	for (size_t i = header_find(h, field, 0); !found && i != HEADER_NONE;
	     i = header_find(h, field, i + 1)) {
		struct addr_list l;

		addr_list_parse(&l, header_at(h, i).body);
		found = l.n > 0;
		addr_list_clear(&l);
	}
	return found;
}

static bool
has_ascii_form(struct bytes domain)
{
	struct buf ascii;
	bool has;

	buf_init(&ascii, 2 * ADDR_MAX);
	has = idna_domain(&ascii, domain);
	buf_clear(&ascii);
	return has;
}

/* A field that we add must not make a message need SMTPUTF8: domains have
 * another form, local parts do not. */
static bool
can_be_reached(const struct identity_opts *o, const char *addr)
{
	struct bytes b = bytes_str(addr), local, domain;

	return addr_split(b, &local, &domain) && str_is_ascii(local) &&
	       addr_is_mailbox(b) && !addr_is_local_name(b, o->hostname) &&
	       addr_domain_is_public(domain) && has_ascii_form(domain);
}

/* The old authors, unless From names all of them. */
static bool
add_reply_to(struct work *w, const struct addr_list *old, const char *author)
{
	struct buf value;
	size_t others = 0;
	bool ok = true;

	if (names_somebody(w->h, "Reply-To"))
		return true;
	buf_init(&value, VALUE_MAX);
	for (size_t i = 0; ok && i < old->n; i++) {
		const char *addr = old->items[i].addr;

		if (!can_be_reached(w->o, addr))
			continue;
		others += !str_eq_nocase(addr, author);
		ok = buf_addf(
		    &value, "%s<%s>", buf_len(&value) > 0 ? ", " : "", addr);
	}
	if (ok && others > 0) {
		IGNORE(header_remove_all(w->h, "Reply-To") > 0);
		ok = header_append(w->h, "Reply-To", buf_bytes(&value));
		w->ret->changed |= IDENTITY_ADDED_REPLY_TO;
	}
	buf_clear(&value);
	return ok;
}

/* Makes field i (HEADER_NONE: a new one) of this value. */
static bool
write_field(
    struct header *h, const char *field, size_t i, const struct buf *value)
{
	return i != HEADER_NONE ? header_replace(h, i, field, buf_bytes(value))
				: header_append(h, field, buf_bytes(value));
}

/* One author, one that may stay if there is one. */
static bool
change_from(struct work *w, size_t i, const struct addr_list *l)
{
	const struct addr_item *kept = first_that(w->o, l, true);
	const struct addr_item *refused = first_that(w->o, l, false);
	const char *author = kept != NULL ? kept->addr : w->o->address;
	struct buf value;
	bool ok;

	w->ret->changed |= IDENTITY_CHANGED_FROM;
	if (refused != NULL)
		IGNORE(str_copy(w->ret->old_from, sizeof(w->ret->old_from),
		    bytes_str(refused->addr))); /* it fits */
	if (!add_reply_to(w, l, author))
		return false;
	buf_init(&value, VALUE_MAX);
	ok = (kept != NULL ? mailbox_add_plain(&value, kept, bytes_str(author))
			   : add_account(w->o, refused, &value)) &&
	     write_field(w->h, "From", i, &value);
	buf_clear(&value);
	return ok;
}

static bool
apply_from(struct work *w)
{
	size_t i = header_find(w->h, "From", 0), more = i;
	struct addr_list l;
	struct buf text;
	bool ok = true;

	read_list(w->h, i, &text, &l);
	if (!allows_author(w->o, &l, buf_bytes(&text)))
		ok = change_from(w, i, &l);
	addr_list_clear(&l);
	buf_clear(&text);
	/* A second field could hide another author. */
	while (ok && i != HEADER_NONE &&
	       (more = header_find(w->h, "From", more + 1)) != HEADER_NONE) {
		header_remove(w->h, more);
		w->ret->changed |= IDENTITY_CHANGED_FROM;
	}
	return ok;
}

static bool
check_resent(struct work *w, size_t i)
{
	struct addr_list l;
	struct buf text, value;
	bool ok = true;

	read_list(w->h, i, &text, &l);
	if (!(w->o->mode == IDENTITY_FORCE
		    ? allows_author(w->o, &l, buf_bytes(&text))
		    : allows_list(w->o, &l))) {
		buf_init(&value, VALUE_MAX);
		w->ret->changed |= IDENTITY_CHANGED_RESENT;
		ok = add_account(w->o, l.n > 0 ? &l.items[0] : NULL, &value) &&
		     write_field(w->h, "Resent-From", i, &value);
		buf_clear(&value);
	}
	addr_list_clear(&l);
	buf_clear(&text);
	return ok;
}

static bool
apply_resent(struct work *w)
{
	for (size_t i = header_find(w->h, "Resent-From", 0); i != HEADER_NONE;
	     i = header_find(w->h, "Resent-From", i + 1))
		if (!check_resent(w, i))
			return false;
	return true;
}

static bool
field_is_allowed(struct work *w, size_t i)
{
	struct bytes body = header_at(w->h, i).body;
	struct addr_list l;
	bool ok;

	addr_list_parse(&l, body);
	ok = allows_list(w->o, &l) &&
	     (w->o->mode != IDENTITY_FORCE || allows_author(w->o, &l, body));
	addr_list_clear(&l);
	return ok;
}

/* Sender names the person who sent the message for others.  If the authors have
 * been replaced, it is removed; a foreign address is replaced. */
static bool
apply_sender(struct work *w, const char *field, enum identity_change author,
    enum identity_change own)
{
	bool is_bare = (w->ret->changed & author) != 0;

	for (size_t i = header_find(w->h, field, 0); i != HEADER_NONE;
	     i = header_find(w->h, field, i + 1)) {
		if (!is_bare && field_is_allowed(w, i))
			continue;
		w->ret->changed |= own;
		if (is_bare)
			header_remove(w->h, i);
		else if (!header_replace(
			     w->h, i, field, bytes_str(w->o->address)))
			return false;
	}
	return true;
}

/* --- the whole ------------------------------------------------------------ */

static void
apply_envelope(struct work *w, const char *sender)
{
	const char *now = sender;
	bool stays = sender[0] == '\0'
			 ? w->o->keeps_null_sender || !has_address(w->o)
			 : identity_allows(w->o, sender);

	if (!stays) {
		now = w->o->address;
		w->ret->changed |= IDENTITY_CHANGED_ENVELOPE;
	}
	/* An address of the configuration has been checked for its length. */
	IGNORE(
	    str_copy(w->ret->sender, sizeof(w->ret->sender), bytes_str(now)));
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

/* Automatic responders do not answer the null sender. */
static bool
say_automatic(struct work *w, const char *sender)
{
	if (sender[0] != '\0' ||
	    (w->ret->changed & IDENTITY_CHANGED_ENVELOPE) == 0 ||
	    header_find(w->h, "Auto-Submitted", 0) != HEADER_NONE)
		return true;
	w->ret->changed |= IDENTITY_ADDED_AUTO_SUBMITTED;
	return header_append(w->h, "Auto-Submitted", bytes_str("auto-replied"));
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
	if ((!keeps_all(opts) && !apply_fields(&w)) ||
	    !say_automatic(&w, sender))
		return false;
	if (signature_remove_stale(h))
		r.changed |= IDENTITY_REMOVED_SIGNATURE;
	*ret = r; /* last: sender may be that of an earlier result */
	return true;
}
