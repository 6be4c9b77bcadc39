/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/mime.h"

#include <string.h>

#include "base/str.h"

/* RFC 2047 2: an encoded word is at most 75 characters. */
static const char word_start[] = "=?utf-8?q?";
static const char word_end[] = "?=";
enum {
	WORD_MAX = 75,
	WORD_TEXT_MAX = WORD_MAX - (sizeof(word_start) - 1) -
			(sizeof(word_end) - 1)
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Length of the UTF-8 character at the front of b, 0: there is none. */
static size_t
char_len(struct bytes b)
{
	for (size_t n = 1; n <= 4 && n <= b.n; n++)
		if (str_is_utf8(bytes_of(b.p, n)))
			return n;
	return 0;
}

static bool
add_latin1(struct buf *to, unsigned char c)
{
	char utf8[] = { (char)(0xc0 | (c >> 6)), (char)(0x80 | (c & 0x3f)) };

	return buf_add(to, utf8, sizeof(utf8));
}

bool
mime_utf8(struct buf *to, struct bytes text)
{
	while (text.n > 0) {
		size_t n = char_len(text);

		if (n > 0 ? !buf_add(to, text.p, n)
			  : !add_latin1(to, (unsigned char)text.p[0]))
			return false;
		n = n == 0 ? 1 : n;
		text = bytes_of(text.p + n, text.n - n);
	}
	return true;
}

/* Brings any bytes into the form the rest works on: UTF-8 without controls,
 * without blanks at the ends, not too long. */
static void
clean(struct buf *to, struct bytes from)
{
	from = bytes_trim(from);
	while (from.n > 0) {
		size_t n = char_len(from);
		char c = from.p[0];
		bool ok;

		if (n == 0)
			ok = add_latin1(to, (unsigned char)c);
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			ok = buf_addc(to, ' ');
		else
			ok = buf_add(to, from.p, n);
		if (!ok)
			return; /* long enough */
		n = n == 0 ? 1 : n;
		from = bytes_of(from.p + n, from.n - n);
	}
}

/* Plain ASCII needs no encoding unless it would be read as encoded, or could
 * not be folded. */
static bool
is_plain(struct bytes text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.p[i] >= 0x80)
			return false;
		if (text.p[i] == '=' && i + 1 < text.n && text.p[i + 1] == '?')
			return false;
		run = text.p[i] == ' ' ? 0 : run + 1;
		if (run > WORD_MAX)
			return false;
	}
	return true;
}

/* One character as RFC 2047 5 (3) allows it inside a phrase; every stricter
 * place is served by that too. */
static size_t
encode_char(char out[4 * 3 + 1], struct bytes c)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	if (c.n == 1 && (is_alnum(c.p[0]) || is_one_of(c.p[0], "!*+-/"))) {
		out[n++] = c.p[0];
	} else if (c.n == 1 &&
		   ((unsigned char)c.p[0] <= ' ' || c.p[0] == 0x7f)) {
		out[n++] = '_'; /* a blank, or a control */
	} else {
		for (size_t i = 0; i < c.n; i++) {
			out[n++] = '=';
			out[n++] = hex[(unsigned char)c.p[i] >> 4];
			out[n++] = hex[(unsigned char)c.p[i] & 15];
		}
	}
	return n;
}

/* A character is never cut in two between words (RFC 2047 5). */
bool
mime_words(struct buf *to, struct bytes text)
{
	char out[4 * 3 + 1];
	size_t used = 0;

	if (!buf_adds(to, word_start))
		return false;
	while (text.n > 0) {
		size_t len = char_len(text);
		size_t n = encode_char(out, bytes_of(text.p, len));

		if (used + n > WORD_TEXT_MAX) {
			if (!buf_adds(to, word_end) || !buf_addc(to, ' ') ||
			    !buf_adds(to, word_start))
				return false;
			used = 0;
		}
		if (!buf_add(to, out, n))
			return false;
		used += n;
		text = bytes_of(text.p + len, text.n - len);
	}
	return buf_adds(to, word_end);
}

/* Or a control character: header_fold() makes blanks of them. */
static bool
is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

static size_t
word_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && !is_blank(b.p[n]))
		n++;
	return n;
}

static size_t
blanks_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && is_blank(b.p[n]))
		n++;
	return n;
}

/* Words from the front that need encoding, with the blanks between them. */
static size_t
run_len(struct bytes b)
{
	size_t n = 0, next = 0;

	do {
		size_t word = word_len(bytes_of(b.p + next, b.n - next));

		if (word <= MIME_WORD_MAX &&
		    str_is_ascii(bytes_of(b.p + next, word)))
			break;
		n = next + word;
		next = n + blanks_len(bytes_of(b.p + n, b.n - n));
	} while (next < b.n);
	return n;
}

/* Was it encoded already? */
static bool
is_encoded(struct bytes word)
{
	return word.n > 6 && memcmp(word.p, "=?", 2) == 0 &&
	       memcmp(word.p + word.n - 2, "?=", 2) == 0;
}

/* Words that need it, those beside them stay as they are.  RFC 2047 6.2: what
 * is blank between two encoded words is not shown, so where only one of them
 * was encoded before, the blank becomes a word itself. */
bool
mime_mixed(struct buf *to, struct bytes b)
{
	static const char blank_word[] = "=?utf-8?q?_?= ";
	bool was_run = false, was_encoded = false;

	while (b.n > 0) {
		size_t n = run_len(b);

		if (n > 0) {
			if ((was_encoded && !buf_adds(to, blank_word)) ||
			    !mime_words(to, bytes_of(b.p, n)))
				return false;
			was_run = true;
			was_encoded = false;
		} else if ((n = word_len(b)) > 0) {
			was_encoded = is_encoded(bytes_of(b.p, n));
			if ((was_run && was_encoded &&
				!buf_adds(to, blank_word)) ||
			    !buf_add(to, b.p, n))
				return false;
			was_run = false;
		} else {
			n = blanks_len(b);
			if (!buf_add(to, b.p, n))
				return false;
		}
		b = bytes_of(b.p + n, b.n - n);
	}
	return true;
}

/* RFC 5322 3.2.4 */
static bool
quote(struct buf *to, struct bytes text)
{
	bool ok = buf_addc(to, '"');

	for (size_t i = 0; ok && i < text.n; i++) {
		if (is_one_of(text.p[i], "\"\\"))
			ok = buf_addc(to, '\\');
		ok = ok && buf_addc(to, text.p[i]);
	}
	return ok && buf_addc(to, '"');
}

static bool
is_atoms(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_alnum(text.p[i]) &&
		    !is_one_of(text.p[i], " !#$%&'*+-/=?^_`{|}~"))
			return false;
	return true;
}

bool
mime_text(struct buf *to, struct bytes text)
{
	struct buf copy;
	struct bytes b;
	bool ok;

	buf_init(&copy, MIME_TEXT_MAX);
	clean(&copy, text);
	b = buf_bytes(&copy);
	ok = is_plain(b) ? buf_add(to, b.p, b.n) : mime_words(to, b);
	buf_clear(&copy);
	return ok;
}

bool
mime_phrase(struct buf *to, struct bytes name)
{
	struct buf copy;
	struct bytes b;
	bool ok;

	buf_init(&copy, MIME_TEXT_MAX);
	clean(&copy, name);
	b = bytes_trim(buf_bytes(&copy));
	if (!is_plain(b))
		ok = mime_words(to, b);
	else if (is_atoms(b))
		ok = buf_add(to, b.p, b.n);
	else
		ok = quote(to, b);
	buf_clear(&copy);
	return ok;
}

bool
mime_mailbox(struct buf *to, struct bytes name, struct bytes addr)
{
	size_t before = buf_len(to);

	if (!mime_phrase(to, name))
		return false;
	if (buf_len(to) == before)
		return buf_add(to, addr.p, addr.n);
	return buf_adds(to, " <") && buf_add(to, addr.p, addr.n) &&
	       buf_addc(to, '>');
}
