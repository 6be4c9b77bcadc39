/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/eightbit.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/idna.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"

enum { NAME_LEN_MAX = 100, VALUE_MAX = 6 * HEADER_VALUE_MAX };

static bool
must_encode(struct bytes field, bool keep_utf8)
{
	return !str_is_ascii(field) && !(keep_utf8 && str_is_utf8(field));
}

bool
eightbit_must(const struct header *h, bool keep_utf8)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (must_encode(header_at(h, i).raw, keep_utf8))
			return true;
	return false;
}

bool
eightbit_has(const struct header *h)
{
	return eightbit_must(h, false);
}

/* --- parameters ----------------------------------------------------------- */

/* Length of the quoted string or the run of other bytes at the front. */
static size_t
segment_len(struct bytes b)
{
	bool is_quoted = b.p[0] == '"';
	size_t n = 1;

	for (; n < b.n; n++) {
		if (is_quoted && b.p[n] == '\\' && n + 1 < b.n)
			n++;
		else if (is_quoted && b.p[n] == '"')
			return n + 1;
		else if (!is_quoted && strchr("\"; \t=", b.p[n]) != NULL)
			return n;
	}
	return n;
}

static bool
add_parameters(struct buf *to, struct bytes b)
{
	while (b.n > 0) {
		size_t n = segment_len(b);
		struct bytes part = bytes_of(b.p, n);

		if (str_is_ascii(part)) {
			if (!buf_add(to, part.p, part.n))
				return false;
		} else {
			size_t lead = strchr("\"; \t=", part.p[0]) != NULL;
			size_t tail = n > 1 && part.p[0] == '"' &&
				      part.p[n - 1] == '"';

			if ((lead > 0 && part.p[0] != '"' &&
				!buf_addc(to, part.p[0])) ||
			    !buf_addc(to, '"') ||
			    !rfc2047_words(
				to, bytes_of(part.p + lead, n - lead - tail)) ||
			    !buf_addc(to, '"'))
				return false;
		}
		b = bytes_of(b.p + n, b.n - n);
	}
	return true;
}

/* --- mailboxes ------------------------------------------------------------ */

static bool
add_mailbox(struct buf *to, const struct addr_item *it)
{
	struct bytes addr = bytes_str(it->addr);
	struct buf ascii;
	bool ok;

	buf_init(&ascii, 2 * ADDR_MAX);
	/* A domain that is none stays; the local part decides all the same. */
	ok = (idna_addr(&ascii, addr) || buf_add(&ascii, addr.p, addr.n)) &&
	     mailbox_add(to, it, buf_bytes(&ascii));
	buf_clear(&ascii);
	return ok;
}

static bool
add_mailboxes(struct buf *to, struct bytes b)
{
	struct addr_list l;
	bool ok = true;

	addr_list_parse(&l, b);
	for (size_t i = 0; ok && i < l.n; i++)
		ok = (i == 0 || buf_adds(to, ", ")) &&
		     add_mailbox(to, &l.items[i]);
	if (ok && l.n == 0)
		ok = rfc2047_mixed(to, b);
	addr_list_clear(&l);
	return ok;
}

/* --- fields --------------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*add)(struct buf *to, struct bytes value);
} forms[] = {
	{ "From", add_mailboxes },
	{ "Sender", add_mailboxes },
	{ "Reply-To", add_mailboxes },
	{ "To", add_mailboxes },
	{ "Cc", add_mailboxes },
	{ "Resent-From", add_mailboxes },
	{ "Resent-Sender", add_mailboxes },
	{ "Resent-To", add_mailboxes },
	{ "Resent-Cc", add_mailboxes },
	{ "Resent-Reply-To", add_mailboxes },
	{ "Disposition-Notification-To", add_mailboxes },
	{ "Errors-To", add_mailboxes },
	{ "Return-Receipt-To", add_mailboxes },
	{ "Mail-Followup-To", add_mailboxes },
	{ "Mail-Reply-To", add_mailboxes },
	{ "Content-Type", add_parameters },
	{ "Content-Disposition", add_parameters },
};

static bool
add_value(struct buf *to, const char *name, struct bytes value)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_eq_nocase(name, forms[i].name))
			return forms[i].add(to, value);
	return rfc2047_mixed(to, value);
}

static bool
encode_field(struct header *h, size_t i)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, mended, utf8, out;
	bool ok;

	if (!str_copy(name, sizeof(name), header_at(h, i).name)) {
		header_remove(h, i); /* nobody asks for such a field */
		return true;
	}
	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&mended, VALUE_MAX);
	buf_init(&utf8, 2 * VALUE_MAX);
	buf_init(&out, VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     rfc2047_mend(&mended, buf_bytes(&value)) &&
	     mime_utf8(&utf8, buf_bytes(&mended)) &&
	     add_value(&out, name, buf_bytes(&utf8)) &&
	     header_replace(h, i, name, buf_bytes(&out));
	buf_clear(&value);
	buf_clear(&mended);
	buf_clear(&utf8);
	buf_clear(&out);
	return ok;
}

bool
eightbit_header(struct header *h, bool keep_utf8)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (must_encode(header_at(h, i).raw, keep_utf8) &&
		    !encode_field(h, i))
			return false;
	return true;
}
