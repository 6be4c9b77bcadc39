/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Most letters that are compared differ, so that is seen first. */
static bool
same_nocase(char a, char b)
{
	return a == b || ((a ^ b) == ('a' ^ 'A') && lower(a) == lower(b));
}

bool
str_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
str_eq_nocase(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return bytes_eq_nocase(bytes_str(a), b);
}

bool
bytes_same_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (!same_nocase(a.p[i], b.p[i]))
			return false;
	return true;
}

bool
bytes_eq_nocase_whole(struct bytes a, const char *b)
{
	size_t i = 0;

	while (i < a.n && b[i] != '\0' && same_nocase(a.p[i], b[i]))
		i++;
	return i == a.n && b[i] == '\0';
}

bool
bytes_eq(struct bytes a, const char *b)
{
	return a.n == strlen(b) && (a.n == 0 || memcmp(a.p, b, a.n) == 0);
}

bool
bytes_has_prefix_nocase(struct bytes a, const char *prefix)
{
	size_t i = 0;

	while (i < a.n && prefix[i] != '\0' && same_nocase(a.p[i], prefix[i]))
		i++;
	return prefix[i] == '\0';
}

bool
bytes_is_one_of(struct bytes a, const char *const *texts)
{
	while (*texts != NULL && !bytes_eq_nocase(a, *texts))
		texts++;
	return *texts != NULL;
}

bool
bytes_has_one_of_prefixes(struct bytes a, const char *const *prefixes)
{
	while (*prefixes != NULL && !bytes_has_prefix_nocase(a, *prefixes))
		prefixes++;
	return *prefixes != NULL;
}

struct bytes
bytes_trim(struct bytes b)
{
	while (b.n > 0 && ascii_is_blank(b.p[0])) {
		b.p++;
		b.n--;
	}
	while (b.n > 0 && ascii_is_blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

struct bytes
bytes_cut(struct bytes *rest, char sep)
{
	const char *end = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;
	struct bytes piece = { rest->p,
		end != NULL ? (size_t)(end - rest->p) : rest->n };
	size_t gone = piece.n + (end != NULL);

	rest->p += gone;
	rest->n -= gone;
	return piece;
}

bool
str_copy(char *to, size_t size, struct bytes from)
{
	size_t n = from.n < size ? from.n : size - 1;

	if (n > 0) /* an empty one may be NULL, which memcpy() may not get */
		memcpy(to, from.p, n);
	to[n] = '\0';
	return n == from.n;
}

void
str_wipe(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* Length of the well-formed UTF-8 sequence at p, 0 if there is none; the
 * code point goes to *ret. */
static size_t
utf8_len(const char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t len;
	uint32_t c;

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	c = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

size_t
str_invisible(struct bytes b)
{
	static const char *const all[] = { "\xc2\xa0", "\xc2\xad",
		"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
		"\xe2\x80\x8f", "\xe2\x80\xaf", "\xe2\x81\xa0", "\xe3\x80\x80",
		"\xef\xbb\xbf" };

	if (b.n < 2 || (unsigned char)b.p[0] < 0xc2)
		return 0; /* as nearly always */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t n = strlen(all[i]);

		if (b.n >= n && memcmp(b.p, all[i], n) == 0)
			return n;
	}
	return 0;
}

bool
str_is_utf8(struct bytes b)
{
	uint32_t c;

	for (size_t i = 0, len; i < b.n; i += len)
		if ((len = utf8_len(b.p + i, b.n - i, &c)) == 0)
			return false;
	return true;
}

bool
str_is_ascii(struct bytes b)
{
	uint64_t word;
	size_t i = 0;

	for (; i + sizeof(word) <= b.n; i += sizeof(word)) {
		memcpy(&word, b.p + i, sizeof(word));
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			return false;
	}
	for (; i < b.n; i++)
		if ((unsigned char)b.p[i] >= 0x80)
			return false;
	return true;
}

bool
str_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return m <= n && strcmp(text + n - m, end) == 0;
}

bool
str_match(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL;

	/* Linear in practice, quadratic at worst, never recursive: only the
	 * last star can need another try. */
	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			again = text;
		} else if (lower(*pattern) == lower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* Code points that must not reach a terminal or a log: controls, and the
 * marks that reorder what is shown. */
static bool
is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* How many printable ASCII characters are at its beginning. */
static size_t
plain_run(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && b.p[n] >= ' ' && b.p[n] <= '~')
		n++;
	return n;
}

bool
str_escape(struct buf *to, struct bytes from, size_t max)
{
	size_t n = from.n < max ? from.n : max;

	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c = ' ';

		/* Most text is nothing but this. */
		len = plain_run(bytes_of(from.p + i, n - i));
		if (len == 0)
			len = utf8_len(from.p + i, from.n - i, &c);
		if (len > 0 && !is_unsafe(c)) {
			if (!buf_add(to, from.p + i, len))
				return false;
			continue;
		}
		if (len == 0)
			len = 1;
		for (size_t k = 0; k < len; k++)
			if (!buf_addf(to, "\\x%02x",
				(unsigned)(unsigned char)from.p[i + k]))
				return false;
	}
	return n == from.n || buf_adds(to, "...");
}

char
str_plain_letter(uint32_t c)
{
	static const char letters[] = "aaaaaaaceeeeiiiidnooooo ouuuuyts"
				      "aaaaaaaceeeeiiiidnooooo ouuuuyty"
				      "aaaaaaccccccccddddeeeeeeeeeegggg"
				      "gggghhhhiiiiiiiiiiiijjkkklllllll"
				      "lllnnnnnnnnnoooooooorrrrrrssssss"
				      "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

	return c >= 0xc0 && c <= 0x17f ? letters[c - 0xc0] : '\0';
}

/* A character outside ASCII as ASCII; NULL: there is no such thing. */
static const char *
plain_text(uint32_t c, char one[2])
{
	static const struct {
		uint32_t c;
		const char *text;
	} rows[] = {
		{ 0xc4, "AE" },
		{ 0xd6, "OE" },
		{ 0xdc, "UE" },
		{ 0xe4, "ae" },
		{ 0xf6, "oe" },
		{ 0xfc, "ue" },
		{ 0xdf, "ss" },
		{ 0xc6, "AE" },
		{ 0xe6, "ae" },
		{ 0x152, "OE" },
		{ 0x153, "oe" },
		{ 0xa0, " " },
		{ 0x2009, " " },
		{ 0x202f, " " },
		{ 0xab, "\"" },
		{ 0xbb, "\"" },
		{ 0x201c, "\"" },
		{ 0x201d, "\"" },
		{ 0x201e, "\"" },
		{ 0xb4, "'" },
		{ 0x2018, "'" },
		{ 0x2019, "'" },
		{ 0x2010, "-" },
		{ 0x2011, "-" },
		{ 0x2013, "-" },
		{ 0x2014, "-" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].c == c)
			return rows[i].text;
	one[0] = str_plain_letter(c);
	one[1] = '\0';
	if (one[0] >= 'a' && c >= 0xc0 && c <= 0xde)
		one[0] = (char)(one[0] - 'a' + 'A');
	return one[0] >= 'A' ? one : NULL;
}

bool
str_add_plain(struct buf *to, struct bytes from)
{
	for (size_t i = 0, len; i < from.n; i += len) {
		struct bytes as_is;
		const char *plain;
		char one[2];
		uint32_t c;

		len = utf8_len(from.p + i, from.n - i, &c);
		if (len == 0) {
			len = 1;
			c = (unsigned char)from.p[i];
		}
		as_is = bytes_of(from.p + i, len);
		plain = c >= 0x80 ? plain_text(c, one) : NULL;
		if (plain != NULL ? !buf_adds(to, plain)
				  : !buf_add(to, as_is.p, as_is.n))
			return false;
	}
	return true;
}

size_t
str_width(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

size_t
str_wrap(const char *text, size_t columns)
{
	size_t fits = 0, n = 0;

	do {
		n += strspn(text + n, " ");
		n += strcspn(text + n, " ");
		if (fits > 0 && str_width(bytes_of(text, n)) > columns)
			return fits;
		fits = n;
	} while (text[n] != '\0');
	return n;
}

int
str_distance(const char *a, const char *b, int limit)
{
	enum { LONGEST = 63 };
	size_t na = strlen(a), nb = strlen(b);
	int row[LONGEST + 1];

	if (na > LONGEST || nb > LONGEST)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= na; i++) {
		int diagonal = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= nb; j++) {
			int above = row[j];
			int best = diagonal +
				   (lower(a[i - 1]) != lower(b[j - 1]));

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = above;
			row[j] = best;
		}
	}
	return row[nb] <= limit ? row[nb] : limit + 1;
}

bool
str_is_nearer(const char *word, const char *candidate, int *limit)
{
	int d = str_distance(word, candidate, *limit);

	if (d > *limit)
		return false;
	*limit = d - 1;
	return true;
}
