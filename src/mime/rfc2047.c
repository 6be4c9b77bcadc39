/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mime/rfc2047.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/str.h"

/* RFC 2047 2: an encoded word is at most 75 characters. */
enum { WORD_MAX = 75, CHARSET_MAX = 40 };

static bool
is_in(char c, const char *set)
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

	if (c.n == 1 && (ascii_is_alnum(c.p[0]) || is_in(c.p[0], "!*+-/"))) {
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

/* Where may a text be cut: at characters of UTF-8, at bytes, or nowhere? */
static size_t
unit_len(struct bytes charset, struct bytes text)
{
	size_t n = bytes_eq_nocase(charset, "utf-8") ? char_len(text) : 1;

	return n > 0 ? n : 1;
}

static bool
may_cut(struct bytes charset)
{
	static const char *const names[] = { "utf-8", "iso-8859-", "windows-12",
		"cp12", "koi8-", "us-ascii", NULL };

	return bytes_has_one_of_prefixes(charset, names);
}

/* A character is never cut in two between words (RFC 2047 5). */
bool
rfc2047_words_in(struct buf *to, struct bytes charset, struct bytes text)
{
	static const char word_end[] = "?= ";
	size_t frame = charset.n + strlen("=?"
					  "?q?"
					  "?="),
	       used = frame;
	char out[4 * 3 + 1];

	if (charset.n > CHARSET_MAX)
		return false;
	for (bool is_first = true; is_first || text.n > 0; is_first = false) {
		size_t len = text.n > 0 ? unit_len(charset, text) : 0;
		size_t n = encode_char(out, bytes_of(text.p, len));

		if (len == 0)
			n = 0;
		if (is_first || (used + n > WORD_MAX && may_cut(charset))) {
			if ((!is_first && !buf_adds(to, word_end)) ||
			    !buf_adds(to, "=?") ||
			    !buf_add(to, charset.p, charset.n) ||
			    !buf_adds(to, "?q?"))
				return false;
			used = frame;
		}
		if (!buf_add(to, out, n))
			return false;
		used += n;
		text = bytes_of(text.p + len, text.n - len);
	}
	return buf_adds(to, "?=");
}

bool
rfc2047_words(struct buf *to, struct bytes text)
{
	return rfc2047_words_in(to, bytes_of("utf-8", 5), text);
}

/* Or a control character: header_fold() makes blanks of them. */
static bool
is_gap(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

static size_t
word_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && !is_gap(b.p[n]))
		n++;
	return n;
}

static size_t
gap_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && is_gap(b.p[n]))
		n++;
	return n;
}

/* --- encoded words that are there ---------------------------------------- */

struct word {
	size_t n; /* all of it */
	struct bytes charset, text; /* the charset without a language */
	bool is_base64;
};

/* "=?" charset ["*" language] "?" ("q" / "b") "?" text "?=" at the front, where
 * text may hold blanks and bytes over 127.  False: there is none. */
static bool
read_word(struct bytes b, struct word *w)
{
	const char *end, *p = b.p + 2;
	size_t n = 0;

	if (b.n < 8 || b.p[0] != '=' || b.p[1] != '?')
		return false;
	while (n < b.n - 2 && (ascii_is_alnum(p[n]) || is_in(p[n], "-_.:+*")))
		n++;
	if (n == 0 || n > CHARSET_MAX || b.n < n + 7 || p[n] != '?' ||
	    p[n + 2] != '?' || !is_in(p[n + 1], "qQbB"))
		return false;
	w->charset = bytes_of(p, n);
	w->is_base64 = is_in(p[n + 1], "bB");
	p += n + 3;
	end = memchr(p, '?', (size_t)(b.p + b.n - p));
	/* A "?" that ends nothing is text where it was not encoded. */
	while (end != NULL && end + 1 < b.p + b.n && end[1] != '=') {
		if (end > p && end[-1] == '=')
			return false; /* another word begins */
		end = memchr(end + 1, '?', (size_t)(b.p + b.n - end - 1));
	}
	if (end == NULL || end + 1 == b.p + b.n)
		return false;
	w->text = bytes_of(p, (size_t)(end - p));
	w->n = (size_t)(end + 2 - b.p);
	return true;
}

/* In either case: RFC 2047 4.2 wants capitals, readers take all. */
static int
hex_digit(char c)
{
	int value = ascii_hex_value(c, 'A');

	return value >= 0 ? value : ascii_hex_value(c, 'a');
}

/* RFC 2047 4.2; what is not encoded as it should be is itself. */
static bool
decode_q(struct buf *to, struct bytes b)
{
	bool ok = true;

	for (size_t i = 0; ok && i < b.n; i++) {
		int high = i + 2 < b.n && b.p[i] == '=' ? hex_digit(b.p[i + 1])
							: -1;
		int low = high >= 0 ? hex_digit(b.p[i + 2]) : -1;

		if (low >= 0) {
			ok = buf_addc(to, (char)(high * 16 + low));
			i += 2;
		} else {
			ok = buf_addc(to, b.p[i] == '_' ? ' ' : b.p[i]);
		}
	}
	return ok;
}

/* The bytes of ASCII in b as base64; false, and nothing appended: they are
 * none. */
static bool
decode_b(struct buf *to, struct bytes b)
{
	size_t before = buf_len(to);
	struct buf ascii;
	bool ok = true;

	buf_init(&ascii, b.n + 4);
	for (size_t i = 0; i < b.n; i++)
		if ((unsigned char)b.p[i] < 0x80 && b.p[i] != ' ' &&
		    b.p[i] != '\t')
			ok = ok && buf_addc(&ascii, b.p[i]);
	while (ok && buf_len(&ascii) % 4 != 0) /* often forgotten */
		ok = buf_addc(&ascii, '=');
	ok = ok && base64_decode(to, buf_bytes(&ascii));
	if (!ok)
		buf_truncate(to, before);
	buf_clear(&ascii);
	return ok;
}

static struct bytes
without_language(struct bytes charset)
{
	struct bytes rest = charset;

	return bytes_cut(&rest, '*');
}

static bool
mend_word(struct buf *to, const struct word *w)
{
	struct buf raw;
	bool ok;

	buf_init(&raw, w->text.n + 1);
	ok = w->is_base64 ? decode_b(&raw, w->text) ||
				buf_add(&raw, w->text.p, w->text.n)
			  : decode_q(&raw, w->text);
	ok = ok && rfc2047_words_in(
		       to, without_language(w->charset), buf_bytes(&raw));
	buf_clear(&raw);
	return ok;
}

/* May it be put into a word, or does it mean something where there are
 * mailboxes? */
static bool
is_beside(char c)
{
	return !is_gap(c) && !is_in(c, "\"()<>[]:;@\\,");
}

static bool
add_beside(struct buf *to, struct bytes raw)
{
	struct buf utf8;
	bool ok;

	buf_init(&utf8, 2 * raw.n + 1);
	ok = mime_utf8(&utf8, raw) && rfc2047_words(to, buf_bytes(&utf8));
	buf_clear(&utf8);
	return ok;
}

/* The n bytes at the end, which touch the word that comes next. */
static bool
mend_before(struct buf *to, size_t n)
{
	struct bytes all = buf_bytes(to), raw;
	struct buf copy;
	size_t at = all.n;
	bool ok;

	while (at > all.n - n && is_beside(all.p[at - 1]))
		at--;
	raw = bytes_of(all.p + at, all.n - at);
	if (str_is_ascii(raw))
		return true;
	buf_init(&copy, raw.n);
	IGNORE(buf_add(&copy, raw.p, raw.n)); /* it fits */
	buf_truncate(to, at);
	ok = add_beside(to, buf_bytes(&copy)) && buf_addc(to, ' ');
	buf_clear(&copy);
	return ok;
}

/* What touches the word in front of b; *ret_n is its length, if it was
 * encoded. */
static bool
mend_behind(struct buf *to, struct bytes b, size_t *ret_n)
{
	size_t n = 0;
	struct word w = { 0 };

	while (n < b.n && is_beside(b.p[n]) &&
	       !read_word(bytes_of(b.p + n, b.n - n), &w))
		n++;
	*ret_n = str_is_ascii(bytes_of(b.p, n)) ? 0 : n;
	return *ret_n == 0 ||
	       (buf_addc(to, ' ') && add_beside(to, bytes_of(b.p, n)) &&
		   (w.n == 0 || buf_addc(to, ' ')));
}

/* A blank between two words is not shown. */
bool
rfc2047_mend(struct buf *to, struct bytes value)
{
	size_t plain = 0; /* bytes since the last word */

	while (value.n > 0) {
		const char *at = memchr(value.p, '=', value.n);
		size_t n = at == NULL ? value.n : (size_t)(at - value.p);
		struct word w;

		if (!buf_add(to, value.p, n))
			return false;
		plain += n;
		value = bytes_of(value.p + n, value.n - n);
		if (value.n == 0)
			break;
		if (!read_word(value, &w)) {
			if (!buf_addc(to, '='))
				return false;
			plain++;
			value = bytes_of(value.p + 1, value.n - 1);
			continue;
		}
		if (!mend_before(to, plain) ||
		    !(str_is_ascii(bytes_of(value.p, w.n))
			    ? buf_add(to, value.p, w.n)
			    : mend_word(to, &w)))
			return false;
		value = bytes_of(value.p + w.n, value.n - w.n);
		if (!mend_behind(to, value, &n))
			return false;
		value = bytes_of(value.p + n, value.n - n);
		plain = 0;
	}
	return true;
}

/* Is a byte below 128 itself wherever it stands? */
static bool
agrees_with_ascii(struct bytes charset)
{
	static const char *const others[] = { "utf-7", "utf-16", "utf-32",
		"ucs", "iso-2022", "hz", "cp037", "ebcdic", NULL };

	return !bytes_has_one_of_prefixes(charset, others);
}

size_t
rfc2047_decode(struct buf *to, struct bytes text, struct bytes *ret_charset)
{
	struct bytes charset = bytes_of("", 0), one;
	size_t before = buf_len(to), i = 0;
	struct word w;

	while (read_word(bytes_of(text.p + i, text.n - i), &w)) {
		one = without_language(w.charset);
		if (!agrees_with_ascii(one) ||
		    (charset.n > 0 && !bytes_same_nocase(charset, one)) ||
		    !(w.is_base64 ? decode_b(to, w.text)
				  : decode_q(to, w.text))) {
			buf_truncate(to, before);
			return 0;
		}
		charset = one;
		i += w.n;
		i += gap_len(bytes_of(text.p + i, text.n - i));
	}
	*ret_charset = charset;
	return i;
}

/* --- text that is to be encoded ------------------------------------------- */

/* Is the next word an encoded one that no line can hold, but several can? */
static bool
read_long_word(struct bytes b, struct word *w)
{
	size_t n = word_len(b);

	return n > RFC2047_WORD_MAX && read_word(bytes_of(b.p, n), w) &&
	       w->n == n && may_cut(w->charset);
}

/* Words from the front that need encoding, with the blanks between them. */
static size_t
run_len(struct bytes b)
{
	size_t n = 0, next = 0;
	struct word w;

	do {
		struct bytes rest = bytes_of(b.p + next, b.n - next);
		size_t word = word_len(rest);

		if ((word <= RFC2047_WORD_MAX &&
			str_is_ascii(bytes_of(rest.p, word))) ||
		    read_long_word(rest, &w))
			break;
		n = next + word;
		next = n + gap_len(bytes_of(b.p + n, b.n - n));
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
rfc2047_mixed(struct buf *to, struct bytes b)
{
	static const char blank_word[] = "=?utf-8?q?_?= ";
	bool was_run = false, was_encoded = false;
	struct word w;

	while (b.n > 0) {
		size_t n = run_len(b);

		if (n > 0) {
			if ((was_encoded && !buf_adds(to, blank_word)) ||
			    !rfc2047_words(to, bytes_of(b.p, n)))
				return false;
			was_run = true;
			was_encoded = false;
		} else if ((n = word_len(b)) > 0) {
			was_encoded = is_encoded(bytes_of(b.p, n));
			if ((was_run && was_encoded &&
				!buf_adds(to, blank_word)) ||
			    !(read_long_word(b, &w) ? mend_word(to, &w)
						    : buf_add(to, b.p, n)))
				return false;
			was_run = false;
		} else {
			n = gap_len(b);
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
		if (is_in(text.p[i], "\"\\"))
			ok = buf_addc(to, '\\');
		ok = ok && buf_addc(to, text.p[i]);
	}
	return ok && buf_addc(to, '"');
}

static bool
is_atoms(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!ascii_is_alnum(text.p[i]) &&
		    !is_in(text.p[i], " !#$%&'*+-/=?^_`{|}~"))
			return false;
	return true;
}

bool
rfc2047_text(struct buf *to, struct bytes text)
{
	struct buf copy;
	struct bytes b;
	bool ok;

	buf_init(&copy, RFC2047_TEXT_MAX);
	clean(&copy, text);
	b = buf_bytes(&copy);
	ok = is_plain(b) ? buf_add(to, b.p, b.n) : rfc2047_words(to, b);
	buf_clear(&copy);
	return ok;
}

/* A display name: as it is if it is made of atoms, else in quotes, else as
 * encoded words.  Nothing for a name of blanks only. */
static bool
add_phrase(struct buf *to, struct bytes name)
{
	struct buf copy;
	struct bytes b;
	bool ok;

	buf_init(&copy, RFC2047_TEXT_MAX);
	clean(&copy, name);
	b = bytes_trim(buf_bytes(&copy));
	if (!is_plain(b))
		ok = rfc2047_words(to, b);
	else if (is_atoms(b))
		ok = buf_add(to, b.p, b.n);
	else
		ok = quote(to, b);
	buf_clear(&copy);
	return ok;
}

bool
rfc2047_mailbox(struct buf *to, struct bytes name, struct bytes addr)
{
	size_t before = buf_len(to);

	if (!add_phrase(to, name))
		return false;
	if (buf_len(to) == before)
		return buf_add(to, addr.p, addr.n);
	return buf_adds(to, " <") && buf_add(to, addr.p, addr.n) &&
	       buf_addc(to, '>');
}
