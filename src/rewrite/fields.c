/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/fields.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"
#include "mime/words.h"
#include "rewrite/locals.h"
#include "rewrite/notes.h"

enum { NAME_LEN_MAX = 100, NAME_MAX = 4096 };

/* --- empty ------------------------------------------------------------------ */

/* Nothing but blanks, punctuation and comments? */
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
		else if (depth == 0 &&
			 (c == '\0' || !strchr(" \t\r\n,;:<>\"", c)))
			return false;
	}
	return depth == 0;
}

static bool
is_empty(struct bytes b)
{
	struct buf read;
	bool is_so;

	if (!words_has(b))
		return says_nothing(b);
	buf_init(&read, 2 * b.n + 8);
	IGNORE(words_read(&read, b));
	is_so = says_nothing(buf_bytes(&read));
	buf_clear(&read);
	return is_so;
}

/* Fields of addresses, and those of ids, which are written like them. */
static bool
wants_something(struct bytes name)
{
	return locals_is_field(name) || bytes_eq_nocase(name, "In-Reply-To") ||
	       bytes_eq_nocase(name, "References");
}

void
fields_remove_empty(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		struct header_field f = header_at(h, i);

		if (wants_something(f.name) && is_empty(f.body)) {
			header_remove(h, i);
			*notes |= NOTE_BIT(NOTE_EMPTY);
		}
	}
}

/* --- encoded words ---------------------------------------------------------- */

static bool
has_half_word(struct bytes b)
{
	return words_has(b) && !str_is_ascii(b);
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

/* A member of the list that is nothing but encoded words, at the front; *ret_n is
 * its length, 0 if there is none. */
static bool
add_decoded_member(struct buf *to, struct bytes b, size_t *ret_n)
{
	struct addr_list l = { 0 };
	struct bytes charset;
	struct buf text;
	bool ok = true;
	size_t n;

	buf_init(&text, b.n + 1);
	n = rfc2047_decode(&text, b, &charset);
	if (n > 0 && (n == b.n || b.p[n] == ','))
		addr_list_parse(&l, buf_bytes(&text));
	*ret_n = are_mailboxes(&l) ? n : 0;
	for (size_t i = 0; ok && *ret_n > 0 && i < l.n; i++)
		ok = (i == 0 || buf_adds(to, ", ")) &&
		     add_mailbox(to, &l.items[i], charset);
	addr_list_clear(&l);
	buf_clear(&text);
	return ok;
}

/* "<", encoded words and ">", at the front. */
static bool
add_decoded_angle(struct buf *to, struct bytes b, size_t *ret_n)
{
	struct bytes inside = bytes_of(b.p + 1, b.n - 1), charset;
	struct buf text;
	bool ok = true;
	size_t n;

	buf_init(&text, b.n);
	*ret_n = 0;
	n = rfc2047_decode(&text, inside, &charset);
	if (n > 0 && n < inside.n && inside.p[n] == '>' &&
	    addr_is_mailbox(buf_bytes(&text))) {
		*ret_n = n + 2;
		ok = buf_addc(to, '<') &&
		     buf_add(to, buf_str(&text), buf_len(&text)) &&
		     buf_addc(to, '>');
	}
	buf_clear(&text);
	return ok;
}

/* Length of the quoted string, if there is one; it may lack its end. */
static size_t
unit_len(struct bytes b)
{
	size_t n = 1;

	if (b.p[0] != '"')
		return 1;
	while (n < b.n && b.p[n] != '"')
		n += b.p[n] == '\\' ? 2 : 1;
	return n < b.n ? n + 1 : b.n;
}

/* The list, with what was encoded of it that must not be; *ret_found tells if there
 * was any. */
static bool
decode_list(struct buf *to, struct bytes b, bool *ret_found)
{
	bool is_start = true, ok = true;

	*ret_found = false;
	while (ok && b.n > 0) {
		size_t n = 0;

		if (is_start)
			ok = add_decoded_member(to, b, &n);
		else if (b.p[0] == '<')
			ok = add_decoded_angle(to, b, &n);
		*ret_found |= n > 0;
		if (n == 0) {
			n = unit_len(b);
			ok = ok && buf_add(to, b.p, n);
		}
		is_start = b.p[0] == ',' || (is_start && b.p[0] == ' ');
		b = bytes_of(b.p + n, b.n - n);
	}
	return ok;
}

static bool
decode_field(struct header *h, size_t i, unsigned *notes)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, out;
	bool ok, found;

	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&out, 16 * HEADER_VALUE_MAX);
	/* Both fit. */
	IGNORE(str_copy(name, sizeof(name), header_at(h, i).name));
	IGNORE(header_value(h, i, &value));
	ok = decode_list(&out, buf_bytes(&value), &found);
	if (ok && found) {
		*notes |= NOTE_BIT(NOTE_ADDRESS);
		ok = header_replace(h, i, name, buf_bytes(&out));
	}
	buf_clear(&value);
	buf_clear(&out);
	return ok;
}

bool
fields_decode_addresses(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (locals_is_field(header_at(h, i).name) &&
		    words_has(header_at(h, i).body) &&
		    !decode_field(h, i, notes))
			return false;
	return true;
}
