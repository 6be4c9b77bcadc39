/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/fields.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"
#include "rewrite/notes.h"

enum { NAME_LEN_MAX = 100, NAME_MAX = 4096 };

/* --- empty ------------------------------------------------------------------ */

/* Nothing but blanks, commas, comments and "<>"? */
static bool
says_nothing(struct bytes b)
{
	size_t depth = 0;

	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (c == '\\' && depth > 0)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && (c == '\0' || !strchr(" \t\r\n,<>", c)))
			return false;
	}
	return depth == 0;
}

void
fields_remove_empty(struct header *h, unsigned *notes)
{
	static const char *const names[] = { "To", "Cc", "Bcc", "Reply-To",
		"Sender", "Resent-From", "Resent-Sender", "Resent-To",
		"Resent-Cc", "Resent-Bcc", "Resent-Reply-To", "In-Reply-To",
		"References", "Errors-To", "Mail-Followup-To", "Mail-Reply-To",
		"Disposition-Notification-To", "Return-Receipt-To",
		"Delivered-To", "From" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = header_find(h, names[n], 0); i != HEADER_NONE;
		     i = header_find(h, names[n], i + 1))
			if (says_nothing(header_at(h, i).body)) {
				header_remove(h, i);
				*notes |= NOTE_BIT(NOTE_EMPTY);
			}
}

/* --- encoded words ---------------------------------------------------------- */

static bool
has_half_word(struct bytes b)
{
	for (size_t i = 0; i + 1 < b.n; i++)
		if (b.p[i] == '=' && b.p[i + 1] == '?')
			return !str_is_ascii(b);
	return false;
}

static bool
mend_words(struct header *h, size_t i, unsigned *notes)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, mended;
	bool ok = true;

	if (!str_copy(name, sizeof(name), header_at(h, i).name))
		return true; /* it is not for any reader */
	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&mended, 16 * HEADER_VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     rfc2047_mend(&mended, buf_bytes(&value));
	if (ok && (buf_len(&mended) != buf_len(&value) ||
		      memcmp(buf_str(&mended), buf_str(&value),
			  buf_len(&value)) != 0)) {
		/* A word too long for a line is for lines_fold(). */
		if (header_replace(h, i, name, buf_bytes(&mended)))
			*notes |= NOTE_BIT(NOTE_WORD);
	}
	buf_clear(&value);
	buf_clear(&mended);
	return ok;
}

bool
fields_mend_words(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (has_half_word(header_at(h, i).body) &&
		    !mend_words(h, i, notes))
			return false;
	return true;
}

/* --- addresses in encoded words ---------------------------------------------- */

static bool
are_mailboxes(const struct addr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!addr_is_mailbox(bytes_str(l->items[i].addr)))
			return false;
	return l->n > 0 && !l->is_malformed;
}

/* The name stays in the charset it was in. */
static bool
add_mailbox(struct buf *to, const struct addr_item *it, struct bytes charset)
{
	struct bytes addr = bytes_str(it->addr);
	struct buf name;
	bool ok;

	buf_init(&name, NAME_MAX);
	addr_item_name(it, &name);
	ok = str_is_ascii(buf_bytes(&name))
		 ? rfc2047_mailbox(to, buf_bytes(&name), addr)
		 : rfc2047_words_in(to, charset, buf_bytes(&name)) &&
		       buf_adds(to, " <") && buf_add(to, addr.p, addr.n) &&
		       buf_addc(to, '>');
	buf_clear(&name);
	return ok;
}

static bool
decode_field(struct header *h, size_t i, const char *name, unsigned *notes)
{
	struct buf value, text, out;
	struct addr_list l = { 0 };
	struct bytes charset;
	bool ok = true;

	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&text, HEADER_VALUE_MAX);
	buf_init(&out, 16 * HEADER_VALUE_MAX);
	IGNORE(header_value(h, i, &value)); /* it fits */
	if (rfc2047_decode(&text, buf_bytes(&value), &charset))
		addr_list_parse(&l, buf_bytes(&text));
	if (are_mailboxes(&l)) {
		for (size_t k = 0; ok && k < l.n; k++)
			ok = (k == 0 || buf_adds(&out, ", ")) &&
			     add_mailbox(&out, &l.items[k], charset);
		*notes |= NOTE_BIT(NOTE_ADDRESS);
		ok = ok && header_replace(h, i, name, buf_bytes(&out));
	}
	addr_list_clear(&l);
	buf_clear(&value);
	buf_clear(&text);
	buf_clear(&out);
	return ok;
}

bool
fields_decode_addresses(struct header *h, unsigned *notes)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To",
		"Cc", "Resent-From", "Resent-Sender", "Resent-To",
		"Resent-Cc" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = header_find(h, names[n], 0); i != HEADER_NONE;
		     i = header_find(h, names[n], i + 1))
			if (!decode_field(h, i, names[n], notes))
				return false;
	return true;
}
