/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/missing_fields.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/date.h"
#include "mail/date_parse.h"
#include "mail/msgid.h"
#include "mime/rfc2047.h"
#include "mime/words.h"
#include "rewrite/notes.h"

enum { VALUE_MAX = 8192 };

/* True if the message has a non-empty field of this name.  Empty ones are
 * removed, because a second one would be refused. */
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

/* Appends local@hostname; false, and nothing appended, if that is not an
 * address. */
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
add_author(struct buf *to, const struct missing_facts *f)
{
	struct bytes sender = bytes_str(f->env->sender);

	if (addr_is_mailbox(sender))
		return buf_add(to, sender.p, sender.n);
	return add_at_host(to, sender, f->hostname) ||
	       add_at_host(to, bytes_str(f->env->user), f->hostname) ||
	       add_at_host(to, bytes_of("postmaster", 10), f->hostname) ||
	       buf_adds(to, "postmaster@localhost");
}

static bool
add_from(struct buf *to, const struct missing_facts *f)
{
	struct buf addr;
	bool ok;

	buf_init(&addr, ADDR_MAX);
	ok = add_author(&addr, f) &&
	     rfc2047_mailbox(to, bytes_str(f->full_name), buf_bytes(&addr));
	buf_clear(&addr);
	return ok;
}

bool
missing_add_from(struct header *h, const struct missing_facts *f)
{
	struct buf value;
	bool ok;

	if (has_value(h, "From"))
		return true;
	buf_init(&value, VALUE_MAX);
	ok = add_from(&value, f) && header_append(h, "From", buf_bytes(&value));
	buf_clear(&value);
	return ok;
}

/* --- what is there but not fit -------------------------------------------- */

/* A field of which there is one. */
struct kind {
	const char *name, *original;
	/* May it be sent as it is? And: appends the value as it was meant. */
	bool (*is_fit)(struct bytes value);
	bool (*mend)(
	    struct buf *to, struct bytes v, const struct missing_facts *f);
	enum note twice, mended, replaced;
};

static bool
mend_date(struct buf *to, struct bytes v, const struct missing_facts *f)
{
	char date[DATE_TEXT_SIZE];
	int64_t wall_ms;
	int32_t offset_s;
	struct buf read;
	bool ok;

	/* Some programs encode whatever is not ASCII. */
	buf_init(&read, 2 * v.n + 8);
	IGNORE(words_read(&read, v));
	ok = date_parse(
		 buf_bytes(&read), f->utc_offset_s, &wall_ms, &offset_s) &&
	     buf_adds(to, date_rfc5322(wall_ms, offset_s, date));
	buf_clear(&read);
	return ok;
}

static bool
mend_id(struct buf *to, struct bytes v, const struct missing_facts *f)
{
	(void)f;
	return msgid_mend(to, v);
}

static const struct kind date_kind = { "Date", "X-Original-Date",
	date_is_strict, mend_date, NOTE_DATE_TWICE, NOTE_DATE_READ,
	NOTE_DATE_NOW };
static const struct kind id_kind = { "Message-ID", "X-Original-Message-ID",
	msgid_is_fit, mend_id, NOTE_ID_TWICE, NOTE_ID_BRACKETS, NOTE_ID_NEW };

static void
get_value(const struct header *h, size_t i, struct buf *to)
{
	buf_reset(to);
	IGNORE(header_value(h, i, to)); /* it fits */
}

static void
note(const struct missing_facts *f, enum note n)
{
	*f->notes |= NOTE_BIT(n);
}

/* Keeps the old value in another field, in a form that every server accepts. */
static bool
keep_original(struct header *h, const struct kind *k, struct bytes value)
{
	struct buf utf8, text;
	bool ok;

	buf_init(&utf8, 2 * RFC2047_TEXT_MAX);
	buf_init(&text, 16 * RFC2047_TEXT_MAX);
	if (value.n > RFC2047_TEXT_MAX)
		value.n = RFC2047_TEXT_MAX;
	ok = mime_utf8(&utf8, value) &&
	     rfc2047_mixed(&text, buf_bytes(&utf8)) &&
	     header_append(h, k->original, buf_bytes(&text));
	buf_clear(&utf8);
	buf_clear(&text);
	return ok;
}

/* The first that is fit; else the first that can be mended; else the first. */
static size_t
best_of(const struct header *h, const struct kind *k,
    const struct missing_facts *f, struct buf *value, struct buf *mended)
{
	size_t best = HEADER_NONE, first = header_find(h, k->name, 0);

	for (size_t i = first; i != HEADER_NONE;
	     i = header_find(h, k->name, i + 1)) {
		get_value(h, i, value);
		if (k->is_fit(buf_bytes(value))) {
			buf_reset(mended);
			return i;
		}
		if (best == HEADER_NONE && k->mend(mended, buf_bytes(value), f))
			best = i;
	}
	return best != HEADER_NONE ? best : first;
}

static bool
move_others(struct header *h, const struct kind *k, size_t best,
    const struct missing_facts *f, struct buf *value)
{
	struct buf kept;
	bool ok = true;

	buf_init(&kept, HEADER_VALUE_MAX);
	get_value(h, best, &kept);
	for (size_t i = header_find(h, k->name, 0); ok && i != HEADER_NONE;
	     i = header_find(h, k->name, i + 1)) {
		if (i == best)
			continue;
		get_value(h, i, value);
		header_remove(h, i);
		note(f, k->twice);
		if (!bytes_eq(buf_bytes(value), buf_str(&kept)))
			ok = keep_original(h, k, buf_bytes(value));
	}
	buf_clear(&kept);
	return ok;
}

/* Makes field i fit.  fresh: the value it gets if it cannot be mended. */
static bool
fit_one(struct header *h, size_t i, const struct kind *k,
    const struct missing_facts *f, struct bytes fresh)
{
	struct buf value, mended;
	bool ok = true;

	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&mended, VALUE_MAX);
	get_value(h, i, &value);
	if (!k->is_fit(buf_bytes(&value))) {
		bool is_mended = k->mend(&mended, buf_bytes(&value), f);

		note(f, is_mended ? k->mended : k->replaced);
		ok = header_replace(h, i, k->name,
			 is_mended ? buf_bytes(&mended) : fresh) &&
		     keep_original(h, k, buf_bytes(&value));
	}
	buf_clear(&value);
	buf_clear(&mended);
	return ok;
}

/* Makes one fit field of all of them. */
static bool
make_fit(struct header *h, const struct kind *k, const struct missing_facts *f,
    struct bytes fresh)
{
	struct buf value, mended;
	bool ok;
	size_t i;

	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&mended, VALUE_MAX);
	i = best_of(h, k, f, &value, &mended);
	ok = move_others(h, k, i, f, &value);
	ok = ok && fit_one(h, i, k, f, fresh);
	buf_clear(&value);
	buf_clear(&mended);
	return ok;
}

bool
missing_add_date(struct header *h, const struct missing_facts *f)
{
	char text[DATE_TEXT_SIZE];
	struct bytes now;

	/* Cannot fail: it is a date. */
	IGNORE(date_rfc5322(f->wall_ms, f->utc_offset_s, text));
	now = bytes_str(text);
	return has_value(h, "Date") ? make_fit(h, &date_kind, f, now)
				    : header_append(h, "Date", now);
}

static bool
is_public(const char *addr)
{
	return addr_domain_is_public(addr_domain(bytes_str(addr)));
}

/* The address whose domain is used in the Message-ID: the envelope sender, or,
 * if that is a local name such as root@pve1, the author in From. */
static void
public_sender(const struct header *h, const struct missing_facts *f,
    char ret[ADDR_MAX + 1])
{
	size_t i = header_find(h, "From", 0);
	struct addr_list from;
	const char *addr = f->env->sender;

	addr_list_parse(
	    &from, i != HEADER_NONE ? header_at(h, i).body : bytes_of("", 0));
	if (!is_public(addr) && from.n > 0 && is_public(from.items[0].addr))
		addr = from.items[0].addr;
	IGNORE(str_copy(ret, ADDR_MAX + 1, bytes_str(addr)));
	addr_list_clear(&from);
}

bool
missing_add_message_id(struct header *h, const struct missing_facts *f)
{
	char sender[ADDR_MAX + 1];
	struct buf value;
	bool ok;

	public_sender(h, f, sender);
	buf_init(&value, VALUE_MAX);
	ok = msgid_value(&value, f->env->id, f->hostname, sender, f->wall_ms) &&
	     (has_value(h, "Message-ID")
		     ? make_fit(h, &id_kind, f, buf_bytes(&value))
		     : header_append(h, "Message-ID", buf_bytes(&value)));
	buf_clear(&value);
	return ok;
}

/* --- messages that are resent --------------------------------------------- */

static const struct kind resent_date_kind = { "Resent-Date",
	"X-Original-Resent-Date", date_is_strict, mend_date, NOTE_DATE_TWICE,
	NOTE_DATE_READ, NOTE_DATE_NOW };
static const struct kind resent_id_kind = { "Resent-Message-ID",
	"X-Original-Resent-Message-ID", msgid_is_fit, mend_id, NOTE_ID_TWICE,
	NOTE_ID_BRACKETS, NOTE_ID_NEW };

/* The newest block begins with the first Resent- field. */
static size_t
block_of(const struct header *h, size_t *ret_first)
{
	size_t first = header_find(h, NULL, 0);

	while (first != HEADER_NONE &&
	       !bytes_has_prefix_nocase(header_at(h, first).name, "Resent-"))
		first = header_find(h, NULL, first + 1);
	*ret_first = first;
	return first != HEADER_NONE ? header_block_end(h, first)
				    : header_count(h);
}

static bool
add_resent(struct header *h, size_t first, const char *name,
    const struct missing_facts *f, const struct buf *value)
{
	note(f, NOTE_RESENT);
	return header_insert(h, first, name, buf_bytes(value));
}

static bool
resent_id(struct buf *to, const struct header *h, const struct missing_facts *f)
{
	char sender[ADDR_MAX + 1], id[ENVELOPE_ID_SIZE + 1];

	/* Different from the Message-ID that may be made at the same moment. */
	(void)snprintf(id, sizeof(id), "%sr", f->env->id);
	public_sender(h, f, sender);
	return msgid_value(to, id, f->hostname, sender, f->wall_ms);
}

/* Makes the field of the block fit, or adds it. */
static bool
complete(struct header *h, size_t first, size_t *end, const struct kind *k,
    const struct missing_facts *f, const struct buf *fresh)
{
	size_t i = header_find(h, k->name, first);

	if (i < *end)
		return fit_one(h, i, k, f, buf_bytes(fresh));
	++*end;
	return add_resent(h, first, k->name, f, fresh);
}

bool
missing_add_resent(struct header *h, const struct missing_facts *f)
{
	char text[DATE_TEXT_SIZE];
	size_t first, end = block_of(h, &first);
	struct buf value;
	bool ok;

	if (first == HEADER_NONE)
		return true;
	buf_init(&value, VALUE_MAX);
	ok = resent_id(&value, h, f) &&
	     complete(h, first, &end, &resent_id_kind, f, &value);
	buf_reset(&value);
	ok = ok &&
	     buf_adds(
		 &value, date_rfc5322(f->wall_ms, f->utc_offset_s, text)) &&
	     complete(h, first, &end, &resent_date_kind, f, &value);
	buf_reset(&value);
	if (ok && header_find(h, "Resent-From", first) >= end)
		ok = add_from(&value, f) &&
		     add_resent(h, first, "Resent-From", f, &value);
	buf_clear(&value);
	return ok;
}
