/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/eightbit.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/field_name.h"
#include "mail/idna.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"
#include "mime/words.h"

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

/* The length up to the next ";" that is not quoted. */
static size_t
parameter_len(struct bytes b)
{
	bool is_quoted = false;
	size_t n = 0;

	for (; n < b.n && (is_quoted || b.p[n] != ';'); n++) {
		if (is_quoted && b.p[n] == '\\' && n + 1 < b.n)
			n++;
		else if (b.p[n] == '"')
			is_quoted = !is_quoted;
	}
	return n;
}

/* Without quotes; programs omit them even around blanks. */
static bool
add_unquoted(struct buf *to, struct bytes b)
{
	bool is_quoted = false;

	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (is_quoted && b.p[i] == '\\' && i + 1 < b.n)
			i++;
		if (!buf_addc(to, b.p[i]))
			return false;
	}
	return true;
}

/* As encoded words, which no standard allows here but all readers understand.
 * Existing encoded words must not be encoded again. */
static bool
add_words(struct buf *to, struct bytes text)
{
	struct buf mixed;
	bool ok;

	if (!words_has(text))
		return rfc2047_words(to, text);
	buf_init(&mixed, VALUE_MAX);
	ok = rfc2047_mixed(&mixed, text);
	for (const char *p = buf_str(&mixed); ok && *p != '\0'; p++)
		ok = ((*p != '"' && *p != '\\') || buf_addc(to, '\\')) &&
		     buf_addc(to, *p);
	buf_clear(&mixed);
	return ok;
}

static bool
add_parameter(struct buf *to, struct bytes b)
{
	const char *equals = memchr(b.p, '=', b.n);
	size_t n = equals != NULL ? (size_t)(equals + 1 - b.p) : 0;
	struct buf text;
	bool ok;

	if (str_is_ascii(b))
		return buf_add(to, b.p, b.n);
	/* An encoded word begins like this as well. */
	if (n < 2 || !str_is_ascii(bytes_of(b.p, n)) ||
	    (ascii_is_blank(b.p[n - 2]) && n < b.n && b.p[n] == '?'))
		return rfc2047_mixed(to, b);
	buf_init(&text, VALUE_MAX);
	ok = add_unquoted(&text, bytes_trim(bytes_of(b.p + n, b.n - n))) &&
	     buf_add(to, b.p, n) && buf_addc(to, '"') &&
	     add_words(to, buf_bytes(&text)) && buf_addc(to, '"');
	buf_clear(&text);
	return ok;
}

static bool
add_parameters(struct buf *to, struct bytes b)
{
	for (;;) {
		size_t n = parameter_len(b);

		if (!add_parameter(to, bytes_of(b.p, n)))
			return false;
		if (n == b.n)
			return true;
		if (!buf_addc(to, ';'))
			return false;
		b = bytes_of(b.p + n + 1, b.n - n - 1);
	}
}

/* --- mailboxes ------------------------------------------------------------ */

static bool
add_mailbox(struct buf *to, const struct addr_item *it)
{
	struct bytes addr = bytes_str(it->addr);
	struct buf ascii;
	bool ok;

	buf_init(&ascii, 2 * ADDR_MAX);
	/* An invalid domain stays; the local part decides anyway. */
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
	/* A group of nobody has a name that no encoding fits in quotes. */
	if (ok && l.n == 0)
		ok = l.has_group && !l.is_malformed
			 ? buf_adds(to, ADDR_LIST_NOBODY)
			 : rfc2047_mixed(to, b);
	addr_list_clear(&l);
	return ok;
}

/* --- fields --------------------------------------------------------------- */

static bool
add_value(struct buf *to, struct bytes name, struct bytes value)
{
	static const char *const with_parameters[] = { "Content-Type",
		"Content-Disposition", NULL };

	if ((field_name_roles(name, NULL) & FIELD_PHRASES) != 0)
		return add_mailboxes(to, value);
	if (bytes_is_one_of(name, with_parameters))
		return add_parameters(to, value);
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
	     add_value(&out, bytes_str(name), buf_bytes(&utf8)) &&
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
