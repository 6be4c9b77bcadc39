/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mime/words.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/str.h"
#include "mime/rfc2047.h"

/* "=?charset*language?encoding?text?=" */
struct word {
	struct bytes charset, text;
	char encoding; /* 'b' or 'q' */
	size_t n; /* of the whole */
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Up to the next "?"; no blank may stand in a word, but some programs put them
 * in the text. */
static bool
take_piece(struct bytes b, size_t *at, bool may_blank, struct bytes *ret)
{
	size_t from = *at;

	while (*at < b.n && b.p[*at] != '?' &&
	       (may_blank || !ascii_is_blank(b.p[*at])))
		(*at)++;
	*ret = bytes_of(b.p + from, *at - from);
	if (*at == b.n || b.p[*at] != '?')
		return false;
	(*at)++;
	return true;
}

static bool
word_at(struct bytes b, struct word *ret)
{
	struct bytes encoding;
	size_t at = 2;

	if (b.n < 2 || b.p[0] != '=' || b.p[1] != '?' ||
	    !take_piece(b, &at, false, &ret->charset) ||
	    !take_piece(b, &at, false, &encoding) || encoding.n != 1 ||
	    !take_piece(b, &at, true, &ret->text) || at == b.n ||
	    b.p[at] != '=')
		return false;
	ret->encoding = lower(encoding.p[0]);
	ret->n = at + 1;
	ret->charset = bytes_cut(&ret->charset, '*');
	return ret->encoding == 'b' || ret->encoding == 'q';
}

static int
hex(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
decode_q(struct buf *to, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i] == '_' ? ' ' : b.p[i];

		if (c == '=' && i + 2 < b.n && hex(b.p[i + 1]) >= 0 &&
		    hex(b.p[i + 2]) >= 0) {
			c = (char)(hex(b.p[i + 1]) * 16 + hex(b.p[i + 2]));
			i += 2;
		}
		IGNORE(buf_addc(to, c)); /* or it is cut */
	}
}

/* Readers forgive what is missing at the end, and so must we. */
static void
decode_b(struct buf *to, struct bytes b)
{
	struct buf whole;

	buf_init(&whole, b.n + 4);
	for (size_t i = 0; i < b.n; i++)
		if (!ascii_is_blank(b.p[i]) && b.p[i] != '=')
			IGNORE(buf_addc(&whole, b.p[i]));
	if (buf_len(&whole) % 4 == 1)
		buf_truncate(&whole, buf_len(&whole) - 1);
	while (buf_len(&whole) % 4 != 0)
		IGNORE(buf_addc(&whole, '='));
	if (!base64_decode(to, buf_bytes(&whole)))
		IGNORE(buf_add(to, b.p, b.n));
	buf_clear(&whole);
}

/* ISO 2022: between ESC "$" and ESC "(" two bytes are a character. */
static void
add_2022(struct buf *to, struct bytes b)
{
	bool is_wide = false;

	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\x1b' && i + 2 < b.n) {
			is_wide = b.p[i + 1] == '$';
			i += 2;
		} else if (!is_wide) {
			IGNORE(buf_addc(to, b.p[i]));
		}
	}
}

static enum words_read
add_text(struct buf *to, struct bytes charset, struct bytes b)
{
	static const char *const latin1[] = { "iso-8859-1", "iso-8859-15",
		"windows-1252", "us-ascii", "ascii", "utf-8", "utf8", "latin1",
		NULL };
	static const char *const hidden[] = { "utf-7", "utf-16", "utf-32",
		"unicode", "ucs-", "iso-10646", "ebcdic", "ibm", "cp037", "hz",
		NULL };

	if (bytes_is_one_of(charset, latin1)) {
		IGNORE(mime_utf8(to, b));
		return WORDS_UTF8;
	}
	if (bytes_has_one_of_prefixes(charset, hidden))
		return WORDS_HIDDEN;
	if (bytes_has_prefix_nocase(charset, "iso-2022"))
		add_2022(to, b);
	else
		IGNORE(buf_add(to, b.p, b.n));
	return WORDS_BYTES;
}

static enum words_read
add_word(struct buf *to, const struct word *w)
{
	struct buf plain;
	enum words_read read;

	buf_init(&plain, w->text.n + 4);
	if (w->encoding == 'q')
		decode_q(&plain, w->text);
	else
		decode_b(&plain, w->text);
	read = add_text(to, w->charset, buf_bytes(&plain));
	buf_clear(&plain);
	return read;
}

static size_t
blanks(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && ascii_is_blank(b.p[n]))
		n++;
	return n;
}

enum words_read
words_read(struct buf *to, struct bytes text)
{
	enum words_read all = WORDS_UTF8;
	size_t i = 0;

	while (i < text.n) {
		struct bytes b = bytes_of(text.p + i, text.n - i);
		enum words_read one;
		struct word w;
		size_t gap;

		if (!word_at(b, &w)) {
			IGNORE(buf_addc(to, text.p[i++]));
			continue;
		}
		one = add_word(to, &w);
		all = one > all ? one : all;
		i += w.n;
		b = bytes_of(text.p + i, text.n - i);
		gap = blanks(b);
		if (gap > 0 && word_at(bytes_of(b.p + gap, b.n - gap), &w))
			i += gap;
	}
	return all;
}

bool
words_has(struct bytes text)
{
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == '=' && text.p[i + 1] == '?')
			return true;
	return false;
}
