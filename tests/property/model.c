/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/property/model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LINE_LIMIT = 998,
	HEADER_LIMIT = 1048576,
	FIELDS_LIMIT = 20000,
	HOPS_LIMIT = 100,
	DEPTH_LIMIT = 32,
	NAME_LIMIT = 100,
	GUESS_LIMIT = 64,
	TEXT_LIMIT = 1 << 26
};

unsigned long model_vague;

/* --- bytes ---------------------------------------------------------------- */

static void
put(struct buf *to, const char *p, size_t n)
{
	if (!buf_add(to, p, n))
		abort();
}

static void
put_char(struct buf *to, char c)
{
	put(to, &c, 1);
}

static bool
same(struct bytes a, struct bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
is_named(struct bytes a, const char *name)
{
	return a.n == strlen(name) && strncasecmp(a.p, name, a.n) == 0;
}

static bool
is_one_of(struct bytes name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (is_named(name, *names))
			return true;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_white(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static bool
is_ascii(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if ((unsigned char)b.p[i] >= 0x80)
			return false;
	return true;
}

static struct bytes
trimmed(struct bytes b)
{
	while (b.n > 0 && is_white(b.p[0]))
		b = bytes_of(b.p + 1, b.n - 1);
	while (b.n > 0 && is_white(b.p[b.n - 1]))
		b.n--;
	return b;
}

/* The length of the line at the front with its LF. */
static size_t
line_len(struct bytes b)
{
	const char *lf = memchr(b.p, '\n', b.n);

	return lf != NULL ? (size_t)(lf - b.p) + 1 : b.n;
}

static size_t
longest_line(struct bytes b)
{
	size_t longest = 0;

	while (b.n > 0) {
		size_t n = line_len(b), text = n;

		while (text > 0 && (b.p[text - 1] == '\n' ||
				       (b.p[text - 1] == '\r' && text < n)))
			text--;
		longest = text > longest ? text : longest;
		b = bytes_of(b.p + n, b.n - n);
	}
	return longest;
}

void
model_lines(struct bytes given, struct buf *to)
{
	size_t i = 0;

	while (i < given.n) {
		size_t crs = 0;

		while (i < given.n && given.p[i] == '\r')
			crs++, i++;
		if (i < given.n && given.p[i] == '\n') {
			/* Behind CR or CR CR it ends the same line. */
			crs = crs > 1 ? crs - 1 : 1;
			i++;
		}
		for (; crs > 0; crs--)
			put(to, "\r\n", 2);
		while (i < given.n && given.p[i] != '\r' && given.p[i] != '\n')
			put_char(to, given.p[i++]);
	}
	if (buf_len(to) > 0 && buf_str(to)[buf_len(to) - 1] != '\n')
		put(to, "\r\n", 2);
}

/* UTF-8 by its definition: decode, and see that encoding gives it back. */
static size_t
utf8_len(struct bytes b)
{
	unsigned char c = b.n > 0 ? (unsigned char)b.p[0] : 0;
	size_t n = c < 0x80   ? 1
		   : c < 0xc2 ? 0
		   : c < 0xe0 ? 2
		   : c < 0xf0 ? 3
		   : c < 0xf5 ? 4
			      : 0;
	unsigned long v = n == 2 ? c & 31u : n == 3 ? c & 15u : c & 7u;

	if (n < 2 || n > b.n)
		return n > b.n ? 0 : n;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)b.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | ((unsigned char)b.p[i] & 63u);
	}
	if ((n == 3 && (v < 0x800 || (v >= 0xd800 && v < 0xe000))) ||
	    (n == 4 && (v < 0x10000 || v > 0x10ffff)))
		return 0;
	return n;
}

static bool
is_utf8(struct bytes b)
{
	while (b.n > 0) {
		size_t n = utf8_len(b);

		if (n == 0)
			return false;
		b = bytes_of(b.p + n, b.n - n);
	}
	return true;
}

static void
put_latin1(struct buf *to, unsigned char c)
{
	if (c < 0x80) {
		put_char(to, (char)c);
	} else {
		put_char(to, (char)(0xc0 | c >> 6));
		put_char(to, (char)(0x80 | (c & 63)));
	}
}

/* --- headers -------------------------------------------------------------- */

struct field {
	struct bytes name, body, raw;
};

struct head {
	struct field *v;
	size_t n;
	bool has_blank, is_too_big;
	struct bytes mbox; /* a leading "From " line */
	size_t end; /* where the body begins */
	struct bytes body; /* what is behind */
	char *joined[3]; /* texts of lists that stood more than once */
	char *mended; /* what all of it points into, if not the text given */
	bool is_vague; /* they may have been joined otherwise */
	bool has_original_lines; /* X-Original-Line holds text */
};

static void
head_clear(struct head *h)
{
	free(h->v);
	for (size_t i = 0; i < 3; i++)
		free(h->joined[i]);
	free(h->mended);
	*h = (struct head) { NULL };
}

/* The length of the name of the field that begins here, 0: none does. */
static size_t
field_name(struct bytes line, size_t *ret_colon)
{
	size_t n = 0, colon;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	colon = n;
	while (colon < line.n && is_blank(line.p[colon]))
		colon++;
	if (colon == line.n || line.p[colon] != ':')
		return 0;
	*ret_colon = colon;
	return n;
}

static void
add_field(struct head *h, struct bytes line, size_t name, size_t colon)
{
	if ((h->n & (h->n - 1)) == 0) {
		h->v = realloc(
		    h->v, (h->n == 0 ? 1 : h->n * 2) * sizeof(*h->v));
		if (h->v == NULL)
			abort();
	}
	h->v[h->n++] = (struct field) { bytes_of(line.p, name),
		bytes_of(line.p + colon + 1, line.n - colon - 1), line };
}

static bool
is_mbox(struct bytes line)
{
	size_t quoted = line.n > 0 && line.p[0] == '>';

	return line.n >= quoted + 5 && memcmp(line.p + quoted, "From ", 5) == 0;
}

static void
head_parse(struct bytes t, struct head *h)
{
	size_t at = 0, colon, n, mbox = 0;

	*h = (struct head) { NULL };
	n = line_len(t);
	if (is_mbox(bytes_of(t.p, n)) &&
	    field_name(bytes_of(t.p, n), &colon) == 0 &&
	    field_name(bytes_of(t.p + n, line_len(bytes_of(t.p + n, t.n - n))),
		&colon) > 0)
		at = mbox = n;
	for (; at < t.n; at += n) {
		struct bytes line = bytes_of(t.p + at, t.n - at);
		size_t name;

		n = line.n = line_len(line);
		if (line.n == 2 && line.p[0] == '\r') {
			h->has_blank = true;
			at += n;
			break;
		}
		if (h->n > 0 && is_blank(line.p[0])) {
			struct field *f = &h->v[h->n - 1];

			f->body.n += n;
			f->raw.n += n;
		} else if ((name = field_name(line, &colon)) > 0) {
			add_field(h, line, name, colon);
		} else {
			break;
		}
		h->is_too_big |= at + n - mbox > HEADER_LIMIT ||
				 h->n > FIELDS_LIMIT;
	}
	h->mbox = bytes_of(t.p, mbox);
	h->end = at;
	h->body = bytes_of(t.p + at, t.n - at);
}

static const struct field *
find(const struct head *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (is_named(h->v[i].name, name))
			return &h->v[i];
	return NULL;
}

static size_t
count(const struct head *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += is_named(h->v[i].name, name);
	return n;
}

/* --- headers with mistakes ------------------------------------------------ */

/* What nobody sees, and what looks like a colon. */
static const char *const invisible[] = { " ", "\t", "\xc2\xa0", "\xa0",
	"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
	"\xe2\x80\x8f", "\xe2\x80\xaf", "\xe2\x81\xa0", "\xc2\xad",
	"\xe3\x80\x80", "\xef\xbb\xbf", NULL };
static const char *const colons[] = { ":", "\xef\xbc\x9a", NULL };

static size_t
starts_with(struct bytes b, const char *const *list)
{
	for (; *list != NULL; list++)
		if (b.n >= strlen(*list) &&
		    memcmp(b.p, *list, strlen(*list)) == 0)
			return strlen(*list);
	return 0;
}

static bool
is_known(const char *name)
{
	static const char *const known[] = { "From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To",
		"References", "Received", "Return-Path", "MIME-Version",
		"Auto-Submitted", "Precedence", "Importance", "Priority",
		"User-Agent", "Organization", "Errors-To", "Delivered-To",
		"DKIM-Signature", "Return-Receipt-To", "Mail-Followup-To",
		"Disposition-Notification-To", "Comments", "Keywords", NULL };

	return is_one_of(bytes_str(name), known) ||
	       strncasecmp(name, "X-", 2) == 0 ||
	       strncasecmp(name, "Content-", 8) == 0 ||
	       strncasecmp(name, "Resent-", 7) == 0 ||
	       strncasecmp(name, "List-", 5) == 0 ||
	       strncasecmp(name, "ARC-", 4) == 0;
}

struct line {
	struct bytes raw; /* with those that continue it */
	char name[1100]; /* as it must be; "" for text */
	size_t body; /* where it begins in raw */
	bool is_mended;
	bool is_more; /* of the list in front, although it is not indented */
	bool lacks_comma; /* in front of it */
};

/* "bcc" with no letter in front, whatever signs are around and between; letters
 * outside ASCII are signs, too, or any letters. */
static bool
ends_in_bcc(const char *s, size_t n, bool any)
{
	bool has_plain = false;

	for (const char *want = "ccb"; *want != '\0'; want++, n--) {
		while (n > 0 && !isalpha((unsigned char)s[n - 1]) &&
		       !(any && (unsigned char)s[n - 1] >= 0xc0))
			n--;
		if (n == 0 || ((unsigned char)s[n - 1] < 0xc0 &&
				  tolower((unsigned char)s[n - 1]) != *want))
			return false;
		has_plain |= (unsigned char)s[n - 1] < 0xc0;
	}
	return has_plain && (n == 0 || !isalpha((unsigned char)s[n - 1]));
}

/* U+FF22, U+24B7 and their like: the letter b; the length of the character, or
 * 0. */
static size_t
plain_letter(struct bytes b, char *ret)
{
	static const unsigned first_last[][2] = { { 0xff21, 0xff3a },
		{ 0xff41, 0xff5a }, { 0x249c, 0x24b5 }, { 0x24b6, 0x24cf },
		{ 0x24d0, 0x24e9 }, { 0x1d400, 0x1d6a3 }, { 0x1f110, 0x1f129 },
		{ 0x1f130, 0x1f149 }, { 0x1f150, 0x1f169 },
		{ 0x1f170, 0x1f189 } };
	const unsigned char *p = (const unsigned char *)b.p;
	unsigned c = 0;
	size_t n = 0;

	if (b.n >= 3 && p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		c = (p[0] % 16u) * 4096 + (p[1] % 64u) * 64 + p[2] % 64u;
	} else if (b.n >= 4 && p[0] >= 0xf0) {
		n = 4;
		c = (p[0] % 8u) * 262144 + (p[1] % 64u) * 4096 +
		    (p[2] % 64u) * 64 + p[3] % 64u;
	}
	for (size_t k = 0; k < sizeof(first_last) / sizeof(*first_last); k++)
		if (c >= first_last[k][0] && c <= first_last[k][1]) {
			*ret = "abcdefghijklmnopqrstuvwxyz"
			    [(c - first_last[k][0]) % 26];
			return n;
		}
	return 0;
}

/* "Blind-Copies", "X-Blind-To": these words, whatever signs are between. */
static bool
tells_of_the_blind(const char *s, size_t n)
{
	char all[1025];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (isalpha((unsigned char)s[i]) || (unsigned char)s[i] >= 0xc0)
			all[len++] = (char)tolower((unsigned char)s[i]);
		all[len] = '\0';
		if (len >= 7 && strcmp(all + len - 7, "blindto") == 0 &&
		    (i + 1 == n || !(isalpha((unsigned char)s[i + 1]) ||
				       (unsigned char)s[i + 1] >= 0xc0)))
			return true;
	}
	return len > 0 && (strstr(all, "blindcop") != NULL ||
			      strstr(all, "blindcarbon") != NULL ||
			      strstr(all, "blindcc") != NULL ||
			      strstr(all, "blindrecipient") != NULL);
}

static bool
is_bcc(struct bytes name)
{
	char seen[1024];
	size_t n = 0, step;

	for (size_t i = 0; i < name.n && n < sizeof(seen); i += step) {
		struct bytes b = bytes_of(name.p + i, name.n - i);

		step = starts_with(b, invisible);
		if (step == 0 && (step = plain_letter(b, &seen[n])) > 0) {
			n++;
		} else if (step == 0) {
			seen[n++] = name.p[i];
			step = 1;
		}
	}
	for (size_t i = 0; i + 3 <= n; i++)
		if (strncasecmp(seen + i, "bcc", 3) == 0)
			return true;
	return ends_in_bcc(seen, n, false) || ends_in_bcc(seen, n, true) ||
	       tells_of_the_blind(seen, n);
}

/* "B cc", "- Bcc", "Blind copy", "Cc, Bcc": nothing but words of such names. */
static bool
is_in_pieces(struct bytes name)
{
	static const char *const words[] = { "bcc", "cc", "to", "resent",
		"blind", "carbon", "copy", "copies", "recipient", "list", "and",
		"s", "x" };
	char all[GUESS_LIMIT + 1] = "";
	size_t n = 0, k = 0;

	for (size_t i = 0; i < name.n; i++)
		if (!isascii((unsigned char)name.p[i]) ||
		    isalnum((unsigned char)name.p[i]))
			all[n++] = name.p[i];
	if (!is_bcc(bytes_of(all, n)))
		return false;
	for (const char *p = all; *p != '\0'; p += strlen(words[k])) {
		for (k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (strncasecmp(p, words[k], strlen(words[k])) == 0)
				break;
		if (k == sizeof(words) / sizeof(words[0]))
			return false;
	}
	return true;
}

/* Such a name in front of a colon and an address. */
static bool
is_bcc_line(struct bytes raw, size_t *ret_body)
{
	size_t n = 0, step = 0;
	struct bytes name;

	while (
	    n < raw.n && n < GUESS_LIMIT &&
	    (step = starts_with(bytes_of(raw.p + n, raw.n - n), colons)) == 0)
		n++;
	*ret_body = n + step;
	name = trimmed(bytes_of(raw.p, n));
	if (step == 0 || memchr(raw.p + n, '@', raw.n - n) == NULL)
		return false;
	return memchr(name.p, ' ', name.n) != NULL ||
		       memchr(name.p, '\n', name.n) != NULL
		   ? is_in_pieces(name)
		   : is_bcc(name);
}

/* What is behind the "@": names with dots between, or "[192.0.2.1]". */
static bool
is_bare_host(struct bytes b)
{
	size_t label = 0;

	if (b.n > 2 && b.p[0] == '[' && b.p[b.n - 1] == ']') {
		for (size_t i = 1; i + 1 < b.n; i++)
			if (!isalnum((unsigned char)b.p[i]) &&
			    strchr(".:-", b.p[i]) == NULL)
				return false;
		return true;
	}
	b.n -= b.n > 1 && b.p[b.n - 1] == '.';
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '.' ? label == 0
				  : !isalnum((unsigned char)b.p[i]) &&
					strchr("-_", b.p[i]) == NULL)
			return false;
		label = b.p[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && b.n <= 255;
}

/* "joe@example.net, <jane@example.net>": letters, digits and signs. */
static bool
is_bare_list(struct bytes b)
{
	b = trimmed(b);
	b.n -= b.n > 0 && b.p[b.n - 1] == ';';
	for (;; b = bytes_of(b.p + 1, b.n - 1)) {
		struct bytes one = b;
		const char *comma = memchr(b.p, ',', b.n);
		size_t n = 0;

		if (comma != NULL)
			one.n = (size_t)(comma - b.p);
		b = bytes_of(b.p + one.n, b.n - one.n);
		one = trimmed(one);
		if (one.n > 1 && one.p[0] == '<' && one.p[one.n - 1] == '>')
			one = bytes_of(one.p + 1, one.n - 2);
		while (n < one.n && one.p[n] > ' ' && one.p[n] != 0x7f &&
		       strchr("()<>[]:;@\\\"", one.p[n]) == NULL)
			n++;
		if (n == 0 || n >= one.n || one.p[n] != '@' || one.n > 320 ||
		    !is_bare_host(bytes_of(one.p + n + 1, one.n - n - 1)))
			return false;
		if (b.n <= 1)
			return true;
	}
}

/* "Bcc joe@example.net": the length of the name; 0: none. */
static size_t
named_without_colon(struct bytes raw)
{
	static const char *const bcc[] = { "Bcc", "Resent-Bcc" };

	for (size_t k = 0; k < 2; k++) {
		size_t n = strlen(bcc[k]);

		if (raw.n > n && strncasecmp(raw.p, bcc[k], n) == 0 &&
		    ((unsigned char)raw.p[n] >= 0x80 ||
			strchr(" \t\r\n;.,=<>-?", raw.p[n]) != NULL) &&
		    memchr(raw.p, '@', raw.n) != NULL)
			return n;
	}
	return 0;
}

static size_t
list_without_colon(struct bytes raw)
{
	static const char *const names[] = { "Resent-To", "Resent-Cc", "To",
		"Cc" };

	for (size_t k = 0; k < 4; k++) {
		size_t n = strlen(names[k]);

		if (raw.n > n && strncasecmp(raw.p, names[k], n) == 0 &&
		    is_blank(raw.p[n]) &&
		    is_bare_list(bytes_of(raw.p + n, raw.n - n)))
			return n;
	}
	return 0;
}

/* What a line was meant to be. */
static struct line
meant_line(struct bytes raw, bool is_behind_text)
{
	struct line l = { .raw = raw };
	size_t colon, n = field_name(raw, &colon), i = 0, step;

	if (n > 0) {
		l.body = colon + 1;
		(void)snprintf(l.name, sizeof(l.name), "%.*s",
		    (int)(n < 1024 ? n : 1024), raw.p);
		l.is_mended = n < colon &&
			      (!is_behind_text || is_known(l.name));
		return l;
	}
	while (
	    (step = starts_with(bytes_of(raw.p + i, raw.n - i), invisible)) > 0)
		i += step;
	size_t begin = i;

	for (n = 0; i < raw.n && n < GUESS_LIMIT; i += step) {
		struct bytes b = bytes_of(raw.p + i, raw.n - i);
		struct bytes next = bytes_of(raw.p + i + 1, raw.n - i - 1);

		if ((step = starts_with(b, colons)) > 0) {
			l.is_mended = is_known(l.name);
			l.body = i + step;
			break;
		}
		step = starts_with(b, invisible);
		if (step == 0) {
			if ((unsigned char)b.p[0] <= ' ' ||
			    (unsigned char)b.p[0] >= 0x7f)
				break;
			l.name[n++] = b.p[0];
			step = 1;
		} else if (n > 0 && is_blank(b.p[0]) &&
			   starts_with(next, colons) == 0 &&
			   starts_with(next, invisible) == 0) {
			break;
		}
	}
	n = named_without_colon(bytes_of(raw.p + begin, raw.n - begin));
	if (!l.is_mended && n > 0) {
		(void)snprintf(
		    l.name, sizeof(l.name), "%.*s", (int)n, raw.p + begin);
		l.body = begin + n;
		l.is_mended = true;
	} else if (!l.is_mended && (n = list_without_colon(raw)) > 0) {
		(void)snprintf(l.name, sizeof(l.name), "%.*s", (int)n, raw.p);
		l.body = n;
		l.is_mended = true;
	} else if (!l.is_mended) {
		l.is_mended = is_bcc_line(
		    bytes_of(raw.p + begin, raw.n - begin), &n);
		l.body = begin + n;
		strcpy(l.name, l.is_mended ? "Bcc" : "");
	}
	return l;
}

static void
put_line(struct buf *to, const struct line *l)
{
	if (l->lacks_comma)
		put(to, " ,", 2);
	if (l->is_more)
		put_char(to, ' ');
	if (l->is_mended) {
		put(to, l->name, strlen(l->name));
		put_char(to, ':');
		put(to, l->raw.p + l->body, l->raw.n - l->body);
	} else {
		put(to, l->raw.p, l->raw.n);
	}
}

/* A line of text that is a Bcc together with those that continue it. */
static void
mend_folded(struct line *l)
{
	if (l->name[0] != '\0')
		return;
	if (!is_bcc_line(l->raw, &l->body) &&
	    (l->body = named_without_colon(l->raw)) == 0)
		return;
	strcpy(l->name, "Bcc");
	l->is_mended = true;
}

/* "Bcc:" behind blanks, and an address: a field, whatever the blanks say. */
static bool
is_indented_bcc(struct bytes raw)
{
	struct line l = meant_line(raw, false);

	return is_bcc(bytes_of(l.name, strlen(l.name))) &&
	       (raw.p[l.body - 1] == ':' || raw.p[l.body - 1] == '\x9a') &&
	       memchr(raw.p + l.body, '@', raw.n - l.body) != NULL;
}

/* " Bcc: Jane" among the lines that continue a field, and the address is in
 * this one.  Where that line begins in it; 0: there is none. */
static size_t
folded_bcc(const struct line *l, struct bytes raw)
{
	char line[2 * GUESS_LIMIT];
	size_t begin, end = l->raw.n;

	if (memchr(raw.p, '@', raw.n) == NULL)
		return 0;
	for (; end > 0; end = begin) {
		size_t n = 0;

		for (begin = end - 1; begin > 0 && l->raw.p[begin - 1] != '\n';
		     begin--)
			;
		if (begin == 0 ||
		    memchr(l->raw.p + begin, '@', end - begin) != NULL)
			return 0;
		while (n < sizeof(line) - 1 && begin + n < end) {
			line[n] = l->raw.p[begin + n];
			n++;
		}
		line[n] = '@';
		if (is_indented_bcc(bytes_of(line, n + 1)))
			return begin;
	}
	return 0;
}

static bool
lacks_comma(const struct line *l)
{
	size_t body = l->is_more ? 0 : l->body;
	struct bytes b = trimmed(bytes_of(l->raw.p + body, l->raw.n - body));

	return b.n > 0 && strchr(",;", b.p[b.n - 1]) == NULL;
}

/* Jane <jane@example.net>, joe@example.net (Joe): an address is the last. */
static bool
ends_in_address(struct bytes raw)
{
	struct bytes b = trimmed(raw);
	size_t from;

	while (b.n > 0 && strchr(",; \t", b.p[b.n - 1]) != NULL)
		b.n--;
	from = b.n;
	if (b.n > 0 && b.p[b.n - 1] == ')') {
		while (from > 0 && b.p[from - 1] != '(')
			from--;
		if (from > 0)
			b.n = from - 1;
	}
	for (from = b.n; from > 0 && b.p[from - 1] != ','; from--)
		;
	b = trimmed(bytes_of(b.p + from, b.n - from));
	if (is_bare_list(b))
		return true;
	for (from = b.n; from > 0 && b.p[from - 1] != '<'; from--)
		;
	return from > 0 &&
	       is_bare_list(bytes_of(b.p + from - 1, b.n - from + 1));
}

/* Does this line of text belong to what is in front of it? */
static bool
goes_on(const struct line *before, struct bytes raw, bool is_behind_text)
{
	static const char *const lists[] = { "To", "Cc", "Reply-To",
		"Resent-To", "Resent-Cc", NULL };
	struct bytes all = trimmed(before->raw);
	bool is_hidden = is_bcc(bytes_str(before->name));

	if (before->name[0] == '\0')
		return is_behind_text && raw.p[0] == ':';
	return (is_hidden || is_one_of(bytes_str(before->name), lists)) &&
	       (strchr(",;", all.p[all.n - 1]) != NULL || is_bare_list(raw) ||
		   (is_hidden && ends_in_address(raw))) &&
	       !is_mbox(raw) && memchr(raw.p, '@', raw.n) != NULL;
}

/* "{"a": 1}", "10:15 x", "http://x": a first line that may well be text. */
static bool
is_odd_first(const struct line *l)
{
	size_t n = strlen(l->name);

	if (is_known(l->name) || is_bcc(bytes_of(l->name, n)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)l->name[i]) &&
		    (i == 0 || strchr("-_.", l->name[i]) == NULL))
			return true;
	return isdigit((unsigned char)l->name[0]) ||
	       strchr(" \t\r\n", l->raw.p[l->body]) == NULL;
}

/* The header's lines, with those behind a line of text up to the next empty
 * one; returns how many. */
static size_t
read_lines(struct bytes t, struct line **ret, size_t *ret_text, size_t *ret_end)
{
	struct line *v = NULL;
	size_t n = 0, at = 0, begin, text = SIZE_MAX;

	while (at < t.n) {
		struct bytes raw = bytes_of(t.p + at, t.n - at);

		raw.n = line_len(raw);
		if (raw.n == 2 && raw.p[0] == '\r')
			break;
		if (n > 0 && is_blank(raw.p[0]) &&
		    (begin = folded_bcc(&v[n - 1], raw)) > 0) {
			size_t more = v[n - 1].raw.n - begin;

			v[n - 1].raw.n = begin;
			raw = bytes_of(raw.p - more, raw.n + more);
			at -= more;
		}
		if (n > 0 && is_blank(raw.p[0]) && !is_indented_bcc(raw) &&
		    !(n == 1 && is_mbox(v[0].raw) && v[0].name[0] == '\0')) {
			v[n - 1].raw.n += raw.n;
			at += raw.n;
			continue;
		}
		if ((n & (n - 1)) == 0)
			v = realloc(v, (n == 0 ? 1 : 2 * n) * sizeof(*v));
		if (v == NULL)
			abort();
		v[n] = meant_line(raw, text != SIZE_MAX);
		at += raw.n;
		if (v[n].name[0] == '\0' && n > 0 &&
		    goes_on(&v[n - 1], raw, text != SIZE_MAX)) {
			if (raw.p[0] == ':') {
				v[n - 1].raw.n += raw.n;
				continue;
			}
			v[n].is_more = true;
			v[n].lacks_comma = lacks_comma(&v[n - 1]);
			strcpy(v[n].name, v[n - 1].name);
		} else if (v[n].name[0] == '\0' && text == SIZE_MAX &&
			   !(n == 0 && is_mbox(raw))) {
			text = n;
		} else if (v[n].name[0] != '\0' && is_odd_first(&v[n]) &&
			   (n == 0 || (n == 1 && is_mbox(v[0].raw) &&
					  v[0].name[0] == '\0'))) {
			text = n;
		}
		n++;
	}
	*ret = v;
	*ret_end = at;
	*ret_text = text;
	return n;
}

/* The first word decides, whatever follows; what is no word, or none that
 * anybody knows, may still be "8 bit" or "7-bit". */
static bool
is_identity(struct bytes value)
{
	static const char *const names[] = { "7bit", "7bits", "none", "8bit",
		"8bits", "eightbit", "8bitmime", "utf8", "binary", NULL };
	static const char *const others[] = { "quoted-printable", "base64",
		NULL };
	struct bytes word;
	char plain[16] = "";
	size_t n = 0;

	word = value = trimmed(value);
	while (n < word.n && (unsigned char)word.p[n] > ' ' &&
	       word.p[n] != 0x7f &&
	       strchr("()<>@,;:\\\"/[]?=", word.p[n]) == NULL)
		n++;
	word.n = n;
	if (value.n == 0 || is_one_of(word, names))
		return true;
	if (is_one_of(word, others))
		return false;
	n = 0;
	for (size_t i = 0; i < value.n && n + 1 < sizeof(plain); i++)
		if (strchr("-_ \"'", value.p[i]) == NULL)
			plain[n++] = value.p[i];
	return is_one_of(bytes_of(plain, n), names);
}

/* There it becomes another character, which changes more. */
static bool
has_utf8_nul(struct bytes t)
{
	if (memchr(t.p, '\0', t.n) == NULL)
		return false;
	for (; t.n >= 5; t = bytes_of(t.p + 1, t.n - 1))
		if (strncasecmp(t.p, "utf-8", 5) == 0)
			return true;
	return false;
}

static struct bytes
without_nul(struct bytes t, struct buf *to)
{
	for (size_t i = 0; i < t.n; i++)
		put_char(to, t.p[i] == '\0' ? '?' : t.p[i]);
	return buf_bytes(to);
}

/* The text as it should have been. */
static bool
is_encoded(struct bytes fields)
{
	const struct field *f;
	struct head h;
	bool is;

	head_parse(fields, &h);
	f = find(&h, "Content-Transfer-Encoding");
	is = f != NULL && !is_identity(f->body);
	head_clear(&h);
	return is;
}

static void
mend_text(struct bytes t, struct buf *out, struct head *h)
{
	struct line *v;
	size_t text, end, n = read_lines(t, &v, &text, &end);
	size_t known = 0, others = 0;
	bool has_blank = end < t.n, is_header;
	struct buf body;

	buf_init(&body, TEXT_LIMIT);
	if (text == 1 && is_mbox(v[0].raw) && v[0].name[0] == '\0')
		text = 0;
	if (text == SIZE_MAX)
		text = n;
	for (size_t i = text; i < n; i++) {
		bool is_mbox_first = i == 0 && is_mbox(v[i].raw) &&
				     v[i].name[0] == '\0' && n > 1;

		mend_folded(&v[i]);
		if (v[i].is_more)
			continue;
		if (v[i].name[0] != '\0' &&
		    (is_known(v[i].name) ||
			is_bcc(bytes_of(v[i].name, strlen(v[i].name)))))
			known++;
		else
			others += !is_mbox_first;
	}
	is_header = text < n && has_blank && known >= (text == 0 ? 2 : 1) &&
		    known >= others && v[n - 1].name[0] != '\0';
	h->is_vague = text < n && (end >= HEADER_LIMIT || n >= FIELDS_LIMIT);
	for (size_t i = 0; i < n; i++) {
		bool is_field = v[i].name[0] != '\0';

		/* It would end the header, and nobody gets to see it. */
		if (is_field && memmem(v[i].raw.p, v[i].raw.n, "\n:", 2))
			continue;
		v[i].is_mended |= is_field && is_header && !v[i].is_more &&
				  v[i].raw.p[v[i].body - 2] <= ' ';
		if (i < text ||
		    (is_field && (is_header || is_bcc(bytes_of(v[i].name,
						   strlen(v[i].name))))))
			put_line(out, &v[i]);
		else if (!is_header || !is_mbox(v[i].raw))
			put_line(&body, &v[i]);
	}
	if (text < n || has_blank)
		put(out, "\r\n", 2);
	h->has_original_lines = text < n && is_header &&
				is_encoded(buf_bytes(out));
	if (!h->has_original_lines)
		put(out, buf_str(&body), buf_len(&body));
	end += text < n && !is_header ? 0 : has_blank ? 2 : 0;
	put(out, t.p + end, t.n - end);
	buf_clear(&body);
	free(v);
}

/* --- what text means ------------------------------------------------------ */

static int
hex(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at == NULL ? -1 : (int)(at - digits) % 16;
}

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at == NULL ? -1 : (int)(at - digits);
}

static void
decode_base64(struct bytes b, struct buf *to)
{
	unsigned long bits = 0;
	int n = 0;

	for (size_t i = 0; i < b.n; i++) {
		int v = base64_digit(b.p[i]);

		if (v < 0)
			continue;
		bits = (bits << 6 | (unsigned long)v) & 0xffffff;
		if (++n % 4 != 1)
			put_char(to, (char)(bits >> (2 * (3 - (n - 1) % 4))));
	}
}

/* RFC 2045 6.7, forgiving: "=" that begins nothing is itself; blanks at the end
 * of a line do not count. */
static void
decode_qp(struct bytes b, struct buf *to)
{
	while (b.n > 0) {
		size_t n = line_len(b), text = n, i = 0;
		bool is_soft = false;

		while (text > 0 && is_white(b.p[text - 1]))
			text--;
		if (text > 0 && b.p[text - 1] == '=') {
			is_soft = true;
			text--;
		}
		for (; i < text; i++) {
			if (b.p[i] == '=' && i + 2 < text + is_soft &&
			    i + 2 < n && hex(b.p[i + 1]) >= 0 &&
			    hex(b.p[i + 2]) >= 0) {
				put_char(to, (char)(hex(b.p[i + 1]) * 16 +
						    hex(b.p[i + 2])));
				i += 2;
			} else {
				put_char(to, b.p[i]);
			}
		}
		if (!is_soft && b.p[n - 1] == '\n')
			put(to, "\r\n", 2);
		b = bytes_of(b.p + n, b.n - n);
	}
}

/* Decodes the encoded word at the front; 0: there is none. */
static size_t
encoded_word(struct bytes b, struct buf *to)
{
	const char *end = b.p + b.n, *charset, *text, *p;
	bool is_q, is_latin;
	struct buf raw;

	if (b.n < 8 || memcmp(b.p, "=?", 2) != 0)
		return 0;
	charset = b.p + 2;
	p = memchr(charset, '?', (size_t)(end - charset));
	if (p == NULL || end - p < 4 || p[2] != '?')
		return 0;
	is_latin = is_named(
	    bytes_of(charset, (size_t)(p - charset)), "iso-8859-1");
	if (!is_latin &&
	    !is_named(bytes_of(charset, (size_t)(p - charset)), "utf-8"))
		return 0;
	is_q = p[1] == 'q' || p[1] == 'Q';
	if (!is_q && p[1] != 'b' && p[1] != 'B')
		return 0;
	text = p + 3;
	for (p = text; p < end && *p != '?'; p++)
		if (*p <= ' ' || *p > '~')
			return 0;
	if (end - p < 2 || p[1] != '=' ||
	    (end - p > 2 && !is_white(p[2]) &&
		strchr("\"),;\x7f", p[2]) == NULL && (unsigned char)p[2] > ' '))
		return 0; /* it must stand alone (RFC 2047 5) */
	buf_init(&raw, TEXT_LIMIT);
	if (is_q) {
		for (const char *c = text; c < p; c++)
			if (*c == '=' && p - c > 2 && hex(c[1]) >= 0 &&
			    hex(c[2]) >= 0) {
				put_char(
				    &raw, (char)(hex(c[1]) * 16 + hex(c[2])));
				c += 2;
			} else {
				put_char(&raw, *c == '_' ? ' ' : *c);
			}
	} else {
		decode_base64(bytes_of(text, (size_t)(p - text)), &raw);
	}
	for (size_t i = 0; i < buf_len(&raw); i++)
		if (is_latin)
			put_latin1(to, (unsigned char)buf_str(&raw)[i]);
		else
			put_char(to, buf_str(&raw)[i]);
	buf_clear(&raw);
	return (size_t)(p + 2 - b.p);
}

/* As a reader sees it: unfolded, words decoded, UTF-8, runs of blanks and
 * controls as one blank.  no_blanks: without any, where folding may have moved
 * them into words.  A word is decoded where it stands alone between blanks (or
 * quotes, as every mail program does it). */
static void
meaning(struct bytes body, bool no_blanks, struct buf *to)
{
	bool was_word = false, gap = false;

	body = trimmed(body);
	for (size_t i = 0; i < body.n;) {
		char c = body.p[i], *p;
		size_t before = buf_len(to), n = 0;
		bool at_start = i == 0 || (unsigned char)body.p[i - 1] <= ' ' ||
				body.p[i - 1] == 0x7f ||
				(no_blanks && strchr("\"(,", body.p[i - 1]));

		if (is_white(c) || (unsigned char)c < ' ' || c == 0x7f) {
			gap = true;
			i++;
			continue;
		}
		if (at_start)
			n = encoded_word(bytes_of(body.p + i, body.n - i), to);
		if (n > 0 && !no_blanks && i + n < body.n &&
		    (unsigned char)body.p[i + n] > ' ' &&
		    body.p[i + n] != 0x7f) {
			buf_truncate(to, before); /* in parameters only */
			n = 0;
		}
		if (gap && !no_blanks && !(was_word && n > 0)) {
			/* The blank goes in front of what was just added. */
			put_char(to, ' ');
			p = to->p + to->head + before;
			memmove(p + 1, p, buf_len(to) - before - 1);
			*p = ' ';
		}
		gap = false;
		was_word = n > 0;
		if (n > 0) {
			i += n;
			continue;
		}
		n = utf8_len(bytes_of(body.p + i, body.n - i));
		if (n == 0)
			put_latin1(to, (unsigned char)c);
		else
			put(to, body.p + i, n);
		i += n == 0 ? 1 : n;
	}
}

/* Runs of blanks, decoded ones too, are one; none at the ends. */
static void
single_blanks(struct buf *b)
{
	char *p = b->p + b->head;
	size_t n = 0;

	for (size_t i = 0; i < buf_len(b); i++)
		if ((unsigned char)p[i] > ' ' || (n > 0 && p[n - 1] != ' '))
			p[n++] = (unsigned char)p[i] > ' ' ? p[i] : ' ';
	if (n > 0 && p[n - 1] == ' ')
		n--;
	buf_truncate(b, n);
}

/* Takes blanks, controls and the marks of quoting out. */
static void
squeeze(struct buf *b)
{
	char *p = b->p + b->head;
	size_t n = 0;

	for (size_t i = 0; i < buf_len(b); i++)
		if ((unsigned char)p[i] > ' ' && p[i] != 0x7f && p[i] != '"' &&
		    p[i] != '\\')
			p[n++] = p[i];
	buf_truncate(b, n);
}

static bool
means_same(struct bytes a, struct bytes b, bool no_blanks)
{
	struct buf x, y;
	bool is_same;

	buf_init(&x, TEXT_LIMIT);
	buf_init(&y, TEXT_LIMIT);
	meaning(a, no_blanks, &x);
	meaning(b, no_blanks, &y);
	single_blanks(&x);
	single_blanks(&y);
	if (no_blanks) {
		squeeze(&x);
		squeeze(&y);
	}
	is_same = same(buf_bytes(&x), buf_bytes(&y));
	if (!is_same && getenv("MODEL_VERBOSE") != NULL)
		(void)fprintf(
		    stderr, "means: %s\nnot:   %s\n", buf_str(&x), buf_str(&y));
	buf_clear(&x);
	buf_clear(&y);
	return is_same;
}

/* --- address lists -------------------------------------------------------- */

enum { BOXES_MAX = 4096, ADDR_SIZE = 400, NAME_SIZE = 1200 };

struct box {
	char addr[ADDR_SIZE];
	char name[NAME_SIZE]; /* as a reader sees it */
	bool is_encoded; /* and as it was not written */
};

struct boxes {
	struct box *v;
	size_t n;
	bool has_gaps; /* empty members, which an older grammar had */
};

static bool
is_atom_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static size_t
quoted_len(struct bytes b)
{
	for (size_t i = 1; i < b.n; i++) {
		bool is_escaped = b.p[i] == '\\' && i + 1 < b.n;

		i += is_escaped;
		if ((unsigned char)b.p[i] < ' ' || b.p[i] == 0x7f)
			return 0;
		if (b.p[i] == '"' && !is_escaped)
			return i + 1;
	}
	return 0;
}

/* An address at the front, blanks nowhere; 0: there is none. */
static size_t
spec_len(struct bytes b)
{
	size_t n = 0;

	if (b.n > 0 && b.p[0] == '"') {
		n = quoted_len(b);
	} else {
		while (n < b.n && (is_atom_char(b.p[n]) || b.p[n] == '.'))
			n++;
		if (n > 0 && (b.p[0] == '.' || b.p[n - 1] == '.'))
			return 0;
	}
	if (n == 0 || n == b.n || b.p[n] != '@')
		return n;
	if (n + 1 < b.n && b.p[n + 1] == '[') {
		const char *end = memchr(b.p + n, ']', b.n - n);

		for (const char *p = b.p + n + 2; p < end; p++)
			if (strchr("0123456789abcdefABCDEFIPv:.", *p) == NULL)
				return 0;
		return end == NULL ? 0 : (size_t)(end - b.p) + 1;
	}
	for (n++; n < b.n && (is_atom_char(b.p[n]) || b.p[n] == '.'); n++)
		if (b.p[n] == '.' ? b.p[n - 1] == '.' || b.p[n - 1] == '@'
				  : strchr("!#$%&'*+/=?^`{|}~", b.p[n]) != NULL)
			return 0;
	return b.p[n - 1] == '@' || b.p[n - 1] == '.' ? 0 : n;
}

static size_t
skip_white(struct bytes b, size_t i)
{
	while (i < b.n && is_white(b.p[i]))
		i++;
	return i;
}

/* Words of a display name at the front, up to what follows them. */
static size_t
phrase_len(struct bytes b)
{
	size_t i = 0;

	while (i < b.n) {
		if (b.p[i] == '"') {
			size_t n = quoted_len(bytes_of(b.p + i, b.n - i));

			if (n == 0)
				return 0;
			i += n;
		} else if (is_atom_char(b.p[i]) || b.p[i] == '.' ||
			   is_white(b.p[i])) {
			i++;
		} else {
			break;
		}
	}
	return i;
}

/* Quotes off, then as a reader sees it; "" if it is too long to matter. */
static void
set_name(struct box *to, struct bytes phrase, bool is_comment)
{
	struct buf plain, shown;
	bool is_open = false;

	buf_init(&plain, TEXT_LIMIT);
	buf_init(&shown, TEXT_LIMIT);
	for (size_t i = 0; i < phrase.n; i++) {
		char c = phrase.p[i];

		if (c == '"' && !is_comment) {
			is_open = !is_open;
			continue;
		}
		if (c == '\\' && is_open && i + 1 < phrase.n)
			c = phrase.p[++i];
		if (c != '\r' && c != '\n')
			put_char(&plain, c);
	}
	meaning(buf_bytes(&plain), false, &shown);
	single_blanks(&shown);
	(void)snprintf(to->name, sizeof(to->name), "%s", buf_str(&shown));
	to->is_encoded = memmem(phrase.p, phrase.n, "=?", 2) != NULL;
	buf_clear(&plain);
	buf_clear(&shown);
}

/* One mailbox; false: not beyond doubt. */
static bool
mailbox(struct bytes *b, struct box *ret)
{
	struct bytes phrase = bytes_of("", 0);
	bool is_comment = false;
	size_t i = skip_white(*b, 0),
	       n = phrase_len(bytes_of(b->p + i, b->n - i));
	bool is_angle = i + n < b->n && b->p[i + n] == '<';

	*ret = (struct box) { .addr = "" };
	if (is_angle) {
		phrase = trimmed(bytes_of(b->p + i, n));
		i += n + 1;
	}
	n = spec_len(bytes_of(b->p + i, b->n - i));
	if (n == 0 || n > 320)
		return false;
	memcpy(ret->addr, b->p + i, n);
	i += n;
	if (is_angle && (i == b->n || b->p[i++] != '>'))
		return false;
	i = skip_white(*b, i);
	if (i < b->n && b->p[i] == '(') {
		size_t end = i + 1;

		while (end < b->n && strchr("()\\", b->p[end]) == NULL)
			end++;
		if (end == b->n || b->p[end] != ')')
			return false;
		if (phrase.n == 0) {
			phrase = bytes_of(b->p + i + 1, end - i - 1);
			is_comment = true;
		}
		i = skip_white(*b, end + 1);
	}
	set_name(ret, phrase, is_comment);
	*b = bytes_of(b->p + i, b->n - i);
	return is_utf8(bytes_str(ret->addr));
}

/* Goes behind the commas at the front, and says if there were any. */
static bool
skip_gaps(struct bytes *b)
{
	size_t i = 0;
	bool any = false;

	for (; i < b->n && (is_white(b->p[i]) || b->p[i] == ','); i++)
		any |= b->p[i] == ',';
	*b = bytes_of(b->p + i, b->n - i);
	return any;
}

/* The mailboxes of a field, if there is no doubt about them: no groups, no
 * routes. */
static bool
boxes_read(struct bytes b, struct boxes *ret)
{
	*ret = (struct boxes) { calloc(1, sizeof(struct box)), 0, false };
	if (ret->v == NULL)
		abort();
	if (memchr(b.p, '\0', b.n) != NULL)
		return false;
	ret->has_gaps = skip_gaps(&b);
	for (;;) {
		/* Doubled: there may be thousands. */
		if ((ret->n & (ret->n - 1)) == 0)
			ret->v = realloc(ret->v,
			    (ret->n == 0 ? 1 : 2 * ret->n) * sizeof(*ret->v));
		if (ret->v == NULL)
			abort();
		if (ret->n == BOXES_MAX || !mailbox(&b, &ret->v[ret->n]))
			return false;
		ret->n++;
		if (b.n == 0)
			return true;
		if (b.p[0] != ',')
			return false;
		b = bytes_of(b.p + 1, b.n - 1);
		ret->has_gaps |= skip_gaps(&b) || b.n == 0;
		if (b.n == 0)
			return true;
	}
}

/* The same for a field that may be folded, even inside quotes. */
static bool
boxes_parse(struct bytes body, struct boxes *ret)
{
	struct buf line;
	bool ok;

	buf_init(&line, TEXT_LIMIT);
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] != '\r' && body.p[i] != '\n')
			put_char(&line, body.p[i]);
	ok = boxes_read(buf_bytes(&line), ret);
	buf_clear(&line);
	return ok;
}

static void
boxes_clear(struct boxes *b)
{
	free(b->v);
	*b = (struct boxes) { NULL, 0, false };
}

/* The "@" in front of the domain; NULL: it has none. */
static const char *
at_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at == NULL || strchr(at, '"') != NULL ? NULL : at;
}

static const char *
domain_of(const char *addr)
{
	const char *at = at_of(addr);

	return at != NULL ? at + 1 : "";
}

static bool
is_under(const char *domain, const char *suffix)
{
	size_t n = strlen(domain), s = strlen(suffix);

	return n >= s && strcasecmp(domain + n - s, suffix) == 0 &&
	       (n == s || domain[n - s - 1] == '.');
}

bool
model_is_local(const char *addr)
{
	static const char *const suffixes[] = { "localhost", "localdomain",
		"local", "lan", "home.arpa", MODEL_HOST };
	const char *domain = domain_of(addr);

	if (addr[0] == '\0')
		return false;
	if (domain[0] == '[')
		return strncmp(domain, "[127.", 5) == 0 ||
		       strcasecmp(domain, "[IPv6:::1]") == 0;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (is_under(domain, suffixes[i]))
			return true;
	return strchr(domain, '.') == NULL;
}

bool
model_allows(const char *addr)
{
	const char *at = at_of(addr), *plus = strchr(addr, '+');
	char base[ADDR_SIZE];

	if (at == NULL)
		return false;
	if (strcasecmp(at + 1, MODEL_ALLOWED_DOMAIN) == 0 ||
	    strcasecmp(addr, MODEL_ADDRESS) == 0)
		return true;
	if (plus == NULL || plus == addr || plus > at || addr[0] == '"')
		return false;
	(void)snprintf(
	    base, sizeof(base), "%.*s%s", (int)(plus - addr), addr, at);
	return strcasecmp(base, MODEL_ADDRESS) == 0;
}

/* The A-labels of those labels that the generator uses; false: there is another
 * label over 127, of which only libidn2 knows what it becomes. */
static bool
wire_addr(const char *addr, char ret[ADDR_SIZE])
{
	static const struct {
		const char *u, *a;
	} rows[] = {
		{ "b\xc3\xbc"
		  "cher",
		    "xn--bcher-kva" },
		{ "stra\xc3\x9f"
		  "e",
		    "xn--strae-oqa" },
		{ "\xe4\xbe\x8b\xe3\x81\x88", "xn--r8jz45g" },
		{ "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--zckzah" },
	};
	const char *at = at_of(addr), *label;
	bool is_known = true, is_odd = false, has_other = false;
	size_t n, out;

	out = at != NULL ? (size_t)(at + 1 - addr) : strlen(addr);
	(void)snprintf(ret, ADDR_SIZE, "%.*s", (int)out, addr);
	for (label = addr + out; *label != '\0'; label += n) {
		const char *to = NULL;

		n = *label == '.' ? 1 : strcspn(label, ".");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (same(bytes_of(label, n), bytes_str(rows[i].u)))
				to = rows[i].a;
		if (to == NULL && !is_ascii(bytes_of(label, n)))
			is_known = false;
		/* IDNA2008 has more rules for the labels beside such a one. */
		for (size_t i = 0; to == NULL && i < n; i++)
			is_odd |= label[i] == '-' || label[i] == '_';
		has_other |= to != NULL;
		out += (size_t)snprintf(ret + out, ADDR_SIZE - out, "%.*s",
		    to != NULL ? (int)strlen(to) : (int)n,
		    to != NULL ? to : label);
	}
	return is_known && !(has_other && is_odd);
}

static bool
same_addr(const char *given, const char *wire)
{
	char ascii[ADDR_SIZE];

	/* Of what is not known nothing can be said but that it begins alike. */
	if (!wire_addr(given, ascii))
		return strncmp(given, wire, strcspn(given, "@")) == 0;
	return strcmp(given, wire) == 0 || strcmp(ascii, wire) == 0;
}

/* Runs of blanks are one; names are cut at 998 bytes. */
static bool
same_name(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (*a != '\0' && *a == *b) {
		if (*a == ' ') {
			a += strspn(a, " ");
			b += strspn(b, " ");
		} else {
			a++;
			b++;
		}
	}
	return *a == *b || n > 900;
}

/* --- MIME ----------------------------------------------------------------- */

enum encoding { IDENTITY, QP, BASE64, OTHER };
enum kind { LEAF, MULTIPART, MESSAGE };
enum piece_kind { PIECE_HEAD, PIECE_LEAF, PIECE_FRAME };

struct type {
	char type[64], subtype[64], boundary[80];
};

struct piece {
	enum piece_kind kind;
	enum kind what; /* of a head */
	enum encoding encoding; /* of a head and its leaf */
	bool is_sealed;
	struct bytes bytes; /* raw */
	struct head head;
};

struct level {
	char boundary[80];
	bool is_digest;
};

struct tree {
	struct piece *v;
	size_t n;
	bool is_vague, is_beyond;
	size_t longest_sealed;
	bool has_sealed_8bit;
	bool has_bare_8bit; /* in a multipart without parts */

	struct level levels[DEPTH_LIMIT];
	size_t depth, sealed_at;
};

static bool
is_token(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f &&
	       strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static size_t
token(struct bytes b, size_t i, char *to, size_t size)
{
	size_t n = 0;

	while (i + n < b.n && is_token(b.p[i + n]))
		n++;
	if (n == 0 || n >= size)
		return 0;
	for (size_t k = 0; k < n; k++)
		to[k] = (char)(b.p[i + k] >= 'A' && b.p[i + k] <= 'Z'
				   ? b.p[i + k] + 32
				   : b.p[i + k]);
	to[n] = '\0';
	return n;
}

/* A parameter's value; 0: not beyond doubt. */
static size_t
param_value(struct bytes b, size_t i, char *to, size_t size)
{
	size_t n = 0, start = i;

	if (i < b.n && b.p[i] == '"') {
		for (i++; i < b.n && b.p[i] != '"'; i++) {
			if (b.p[i] == '\\' || is_white(b.p[i]))
				if (b.p[i] != ' ')
					return 0;
			if (n + 1 < size)
				to[n] = b.p[i];
			n++;
		}
		if (i == b.n)
			return 0;
		to[n < size ? n : size - 1] = '\0';
		return i + 1 - start;
	}
	while (i < b.n && is_token(b.p[i])) {
		if (n + 1 < size)
			to[n] = b.p[i];
		n++;
		i++;
	}
	to[n < size ? n : size - 1] = '\0';
	return n;
}

/* *( ";" attribute "=" value ), from i on; false: not beyond doubt.  boundary
 * may be NULL. */
static bool
params_parse(struct bytes b, size_t i, char *boundary)
{
	char key[64], value[256];
	size_t n;

	while ((i = skip_white(b, i)) < b.n) {
		if (b.p[i++] != ';')
			return false;
		i = skip_white(b, i);
		if ((n = token(b, i, key, sizeof(key))) == 0)
			return false;
		i += n;
		if (i == b.n || b.p[i++] != '=' ||
		    (n = param_value(b, i, value, sizeof(value))) == 0)
			return false;
		i += n;
		if (boundary == NULL || strcmp(key, "boundary") != 0)
			continue;
		n = strlen(value);
		if (boundary[0] != '\0' || n == 0 || n > 70 ||
		    value[n - 1] == ' ' || !is_ascii(bytes_of(value, n)))
			return false;
		memcpy(boundary, value, n + 1);
	}
	return true;
}

/* False: the value is open to doubt. */
static bool
type_parse(struct bytes b, struct type *t)
{
	size_t i, n;

	b = trimmed(b);
	*t = (struct type) { .type = "" };
	if ((i = token(b, 0, t->type, sizeof(t->type))) == 0 || i == b.n ||
	    b.p[i++] != '/' ||
	    (n = token(b, i, t->subtype, sizeof(t->subtype))) == 0)
		return false;
	return params_parse(b, i + n, t->boundary);
}

/* Content-Type or Content-Disposition beyond doubt. */
static bool
is_parameterized(struct bytes b)
{
	char word[64];
	struct type t;
	size_t n;

	b = trimmed(b);
	n = token(b, 0, word, sizeof(word));
	return type_parse(b, &t) || (n > 0 && params_parse(b, n, NULL));
}

static bool
encoding_parse(struct bytes b, enum encoding *ret)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} rows[] = { { "quoted-printable", QP }, { "base64", BASE64 } };
	char word[64];

	b = trimmed(b);
	*ret = IDENTITY;
	if (b.n == 0)
		return true;
	if (token(b, 0, word, sizeof(word)) != b.n)
		return false;
	*ret = is_identity(b) ? IDENTITY : OTHER;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(word, rows[i].name) == 0)
			*ret = rows[i].encoding;
	return true;
}

/* What the part with this header is; opens a level if it has parts. */
static enum kind
classify(struct tree *t, const struct head *h, bool is_inner,
    enum encoding *ret_encoding)
{
	static const char *const seals[] = { "signed", "encrypted", NULL };
	const struct field *type = find(h, "Content-Type"),
			   *enc = find(h, "Content-Transfer-Encoding");
	bool is_digest = t->depth > 0 && !is_inner &&
			 t->levels[t->depth - 1].is_digest;
	struct type ty = { .type = "text" };
	struct level *l;

	if (count(h, "Content-Type") > 1 ||
	    count(h, "Content-Transfer-Encoding") > 1)
		t->is_vague = true;
	if (enc != NULL && !encoding_parse(enc->body, ret_encoding))
		t->is_vague = true;
	if (enc == NULL)
		*ret_encoding = IDENTITY;
	if (type != NULL && trimmed(type->body).n > 0) {
		if (!type_parse(type->body, &ty))
			t->is_vague = true;
	} else if (is_digest) {
		ty = (struct type) { "message", "rfc822", "" };
	}
	if ((*ret_encoding == QP || *ret_encoding == BASE64) &&
	    strcmp(ty.type, "multipart") != 0)
		return LEAF;
	if (strcmp(ty.type, "message") == 0 &&
	    (strcmp(ty.subtype, "rfc822") == 0 ||
		strcmp(ty.subtype, "global") == 0))
		return h->has_blank || (!is_inner && t->depth == 0) ? MESSAGE
								    : LEAF;
	if (strcmp(ty.type, "multipart") != 0 || ty.boundary[0] == '\0')
		return LEAF;
	if (t->depth == DEPTH_LIMIT) {
		t->is_beyond = true;
		return LEAF;
	}
	l = &t->levels[t->depth++];
	memcpy(l->boundary, ty.boundary, sizeof(l->boundary));
	l->is_digest = strcmp(ty.subtype, "digest") == 0;
	if (t->sealed_at == 0 && is_one_of(bytes_str(ty.subtype), seals))
		t->sealed_at = t->depth;
	return MULTIPART;
}

static struct piece *
add_piece(struct tree *t, enum piece_kind kind, struct bytes b, bool is_sealed)
{
	struct piece *p = t->n > 0 ? &t->v[t->n - 1] : NULL;

	if (is_sealed) {
		size_t n = longest_line(b);

		t->longest_sealed = n > t->longest_sealed ? n
							  : t->longest_sealed;
		t->has_sealed_8bit |= !is_ascii(b);
	}
	if (kind == PIECE_FRAME && p != NULL && p->kind == PIECE_FRAME &&
	    p->is_sealed == is_sealed) {
		p->bytes.n += b.n;
		return p;
	}
	t->v = realloc(t->v, (t->n + 1) * sizeof(*t->v));
	if (t->v == NULL)
		abort();
	p = &t->v[t->n++];
	*p = (struct piece) {
		.kind = kind, .bytes = b, .is_sealed = is_sealed
	};
	return p;
}

/* The level whose delimiter this line is, 0: none. */
static size_t
delimiter(const struct tree *t, struct bytes line, bool *ret_is_last)
{
	while (line.n > 0 && is_white(line.p[line.n - 1]))
		line.n--;
	if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
		return 0;
	for (size_t k = t->depth; k > 0; k--) {
		const char *b = t->levels[k - 1].boundary;
		size_t n = strlen(b);

		if (line.n < n + 2 || memcmp(line.p + 2, b, n) != 0)
			continue;
		*ret_is_last = line.n == n + 4 && line.p[n + 2] == '-' &&
			       line.p[n + 3] == '-';
		if (line.n == n + 2 || *ret_is_last)
			return k;
	}
	return 0;
}

/* Bytes up to the next delimiter line. */
static size_t
until_delimiter(const struct tree *t, struct bytes b, size_t at)
{
	bool is_last;

	while (at < b.n) {
		struct bytes line = bytes_of(b.p + at, b.n - at);

		line.n = line_len(line);
		if (delimiter(t, line, &is_last) > 0)
			break;
		at += line.n;
	}
	return at;
}

/* The header of a part, which is somewhere in b from its front; *at moves
 * behind it. */
static enum kind
add_head(struct tree *t, struct bytes b, bool is_inner, enum encoding *enc,
    size_t *at)
{
	bool is_sealed = t->sealed_at != 0;
	struct piece *p;
	enum kind kind;
	struct head h;

	head_parse(b, &h);
	t->is_beyond |= h.is_too_big;
	kind = classify(t, &h, is_inner, enc);
	p = add_piece(t, PIECE_HEAD, bytes_of(b.p, h.end), is_sealed);
	p->head = h;
	p->what = kind;
	p->encoding = *enc;
	*at += h.end;
	return kind;
}

/* Cuts a body with this header into pieces. */
static void
tree_parse(const struct head *top, struct bytes b, struct tree *t)
{
	enum encoding enc = IDENTITY;
	enum kind kind;
	size_t at = 0, end;
	bool is_last, is_new, is_epilogue = false;

	memset(t, 0, sizeof(*t));
	kind = classify(t, top, false, &enc);
	/* No part: all of it is text. */
	end = until_delimiter(t, b, 0);
	if (kind == MULTIPART && t->sealed_at == 0 &&
	    (end == b.n || (delimiter(t,
				bytes_of(b.p + end,
				    line_len(bytes_of(b.p + end, b.n - end))),
				&is_last) > 0 &&
			       is_last))) {
		kind = LEAF;
		t->depth = 0;
	}
	for (;;) {
		is_new = kind == MULTIPART && !is_epilogue;
		is_epilogue = false;
		end = until_delimiter(t, b, at);
		if (kind == MESSAGE) {
			kind = add_head(
			    t, bytes_of(b.p + at, end - at), true, &enc, &at);
			continue;
		}
		if (kind == LEAF) {
			size_t n = end - at;
			bool is_cut = end < b.n && n >= 2;
			struct piece *p = add_piece(t, PIECE_LEAF,
			    bytes_of(b.p + at, is_cut ? n - 2 : n),
			    t->sealed_at != 0);

			p->encoding = enc;
			at = is_cut ? end - 2 : end;
			if (t->depth == 0)
				return;
		}
		if (end == b.n) {
			if (is_new && t->sealed_at == 0)
				t->has_bare_8bit |= !is_ascii(
				    bytes_of(b.p + at, end - at));
			if (end > at)
				add_piece(t, PIECE_FRAME,
				    bytes_of(b.p + at, end - at),
				    t->sealed_at != 0);
			return;
		}
		{
			struct bytes line = bytes_of(b.p + end, b.n - end);
			size_t k;

			line.n = line_len(line);
			k = delimiter(t, line, &is_last);
			if (is_new && t->sealed_at == 0 &&
			    (is_last || k < t->depth))
				t->has_bare_8bit |= !is_ascii(
				    bytes_of(b.p + at, end - at));
			add_piece(t, PIECE_FRAME,
			    bytes_of(b.p + at, end + line.n - at),
			    t->sealed_at != 0);
			at = end + line.n;
			t->depth = is_last ? k - 1 : k;
			if (t->depth < t->sealed_at)
				t->sealed_at = 0;
		}
		kind = MULTIPART;
		is_epilogue = true;
		if (!is_last) {
			is_epilogue = false;
			end = until_delimiter(t, b, at);
			kind = add_head(
			    t, bytes_of(b.p + at, end - at), false, &enc, &at);
		}
	}
}

static void
tree_clear(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].kind == PIECE_HEAD)
			head_clear(&t->v[i].head);
	free(t->v);
}

/* --- what must become of it ----------------------------------------------- */

/* Fields for addresses or ids that have none. */
static bool
is_empty_list(const struct field *f)
{
	static const char *const names[] = { "From", "To", "Cc", "Reply-To",
		"Sender", "Resent-From", "Resent-Sender", "Resent-To",
		"Resent-Cc", "Resent-Reply-To", "In-Reply-To", "References",
		"Errors-To", "Mail-Followup-To", "Mail-Reply-To",
		"Apparently-To", "X-Errors-To", "X-Reply-To",
		"X-Confirm-Reading-To", "Read-Receipt-To", "Delivered-To",
		"Envelope-To", "X-Envelope-To", "X-Original-To",
		"X-Delivered-To", "X-Rcpt-To", "Disposition-Notification-To",
		"Return-Receipt-To", NULL };
	int depth = 0;

	if (!is_one_of(f->name, names))
		return false;
	for (size_t i = 0; i < f->body.n; i++) {
		size_t step = starts_with(
		    bytes_of(f->body.p + i, f->body.n - i), invisible);

		if (step > 0)
			i += step - 1;
		else if (f->body.p[i] == '\\' && depth > 0)
			i++;
		else if (f->body.p[i] == '(')
			depth++;
		else if (f->body.p[i] == ')' && depth > 0)
			depth--;
		else if (depth == 0 &&
			 memchr(" \t\r\n,<>;:\"", f->body.p[i], 10) == NULL)
			return false;
	}
	return depth == 0;
}

static void
only_letters(struct bytes b, char letters[64])
{
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++) {
		char c = (char)(b.p[i] | ' ');

		if (c >= 'a' && c <= 'z' && n < 63)
			letters[n++] = c;
	}
	letters[n] = '\0';
}

/* "Undisclosed recipients" and, cut off, "undisclosed". */
static bool
means_nobody(struct bytes member)
{
	char letters[64];

	only_letters(member, letters);
	return memchr(member.p, '@', member.n) == NULL &&
	       (strcmp(letters, "undisclosed") == 0 ||
		   (strstr(letters, "undisclos") != NULL &&
		       strstr(letters, "recip") != NULL));
}

/* The words alone, whatever marks are between their letters. */
static bool
is_all_nobody(struct bytes list)
{
	static const char *const all[] = { "undisclosedrecipients",
		"undisclosedrecipient", "recipientsundisclosed", NULL };
	char letters[64];

	only_letters(list, letters);
	return is_one_of(bytes_str(letters), all);
}

/* Does a list say that it names nobody, and is it a group as RFC 5322 has it, a
 * bad one, or are there other members, which may be names? */
enum nobody { NOBODY_NOT, NOBODY_GROUP, NOBODY_BAD, NOBODY_BESIDE };

static size_t
member_len(struct bytes list)
{
	size_t n = 0;

	while (n < list.n && memchr(",;:", list.p[n], 3) == NULL)
		n++;
	return n;
}

/* ":" and ";", and at most commas behind it. */
static bool
is_empty_group(struct bytes b)
{
	size_t i = skip_white(b, 1);

	if (b.n == 0 || b.p[0] != ':' || i == b.n || b.p[i] != ';')
		return false;
	for (i++; i < b.n; i++)
		if (!is_white(b.p[i]) && b.p[i] != ',')
			return false;
	return true;
}

static enum nobody
nobody_of(struct bytes body)
{
	struct bytes list = trimmed(body), rest = list;
	size_t nmembers = 0, nnobody = 0, n = member_len(list);
	bool is_group = is_empty_group(bytes_of(list.p + n, list.n - n));

	while (rest.n > 0) {
		n = member_len(rest);
		nmembers += trimmed(bytes_of(rest.p, n)).n > 0;
		nnobody += means_nobody(bytes_of(rest.p, n));
		n += n < rest.n;
		rest = bytes_of(rest.p + n, rest.n - n);
	}
	if (is_all_nobody(body))
		nnobody = nmembers;
	if (nnobody == 0)
		return NOBODY_NOT;
	return nnobody < nmembers ? NOBODY_BESIDE
	       : is_group         ? NOBODY_GROUP
				  : NOBODY_BAD;
}

static const char *const may_lack_rcpts[] = { "Cc", "Reply-To", "Resent-Cc",
	"Disposition-Notification-To", "Errors-To", "Mail-Followup-To", NULL };

static bool
is_removed(const struct field *f)
{
	static const char *const always[] = { "Return-Path", "X-Relais-Account",
		NULL };
	static const char *const empty[] = { "From", "Date", "Message-ID",
		NULL };

	return is_bcc(f->name) || is_one_of(f->name, always) ||
	       is_empty_list(f) ||
	       (is_one_of(f->name, may_lack_rcpts) &&
		   nobody_of(f->body) == NOBODY_BAD) ||
	       (is_one_of(f->name, empty) && trimmed(f->body).n == 0);
}

static bool
is_too_long(struct bytes raw)
{
	return longest_line(raw) > LINE_LIMIT;
}

/* --- fields that may stand once ------------------------------------------ */

static void
drop_field(struct head *h, size_t i)
{
	memmove(&h->v[i], &h->v[i + 1], (h->n - i - 1) * sizeof(*h->v));
	h->n--;
}

/* Of the fields of this name, the first that says something stays; it returns
 * where it stands. */
static size_t
keep_one(struct head *h, const char *name)
{
	size_t keep = h->n;

	for (size_t i = 0; i < h->n; i++)
		if (is_named(h->v[i].name, name) &&
		    (keep == h->n || (trimmed(h->v[keep].body).n == 0 &&
					 trimmed(h->v[i].body).n > 0)))
			keep = i;
	for (size_t i = h->n; i > 0; i--)
		if (i - 1 != keep && is_named(h->v[i - 1].name, name)) {
			drop_field(h, i - 1);
			keep -= keep > i - 1;
		}
	return keep;
}

/* All addresses of the fields of this name in one list. */
static char *
join_lists(struct head *h, const char *name)
{
	char *text = calloc(1, HEADER_LIMIT + strlen(name) + 5);
	size_t n = 0, word = 0;

	if (text == NULL)
		abort();
	n = (size_t)sprintf(text, "%s: ", name);
	for (size_t i = 0; i < h->n; i++) {
		struct bytes value = trimmed(h->v[i].body);
		bool is_first = n == strlen(name) + 2;
		struct boxes b;

		if (!is_named(h->v[i].name, name))
			continue;
		while (value.n > 0 && (is_white(value.p[value.n - 1]) ||
					  value.p[value.n - 1] == ','))
			value.n--;
		if (value.n == 0)
			continue;
		h->is_vague |= !boxes_parse(value, &b);
		boxes_clear(&b);
		n += (size_t)sprintf(text + n, "%s", is_first ? "" : ", ");
		for (size_t k = 0; k < value.n; k++) {
			word = is_white(value.p[k]) ? 0 : word + 1;
			h->is_vague |= word > LINE_LIMIT - NAME_LIMIT;
			if (value.p[k] != '\r' && value.p[k] != '\n')
				text[n++] = value.p[k];
		}
	}
	memcpy(text + n, "\r\n", 3);
	return text;
}

/* --- dates and ids -------------------------------------------------------- */

static const char *const stamps[] = { "Date", "Message-ID", NULL };

/* In the one form that is beyond doubt: "Fri, 27 May 2022 00:42:02 +0200". */
static bool
is_date(struct bytes b)
{
	static const char form[] = "Aaa, 00 Aaa 0000 00:00:00 +0000";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char days[] = "SunMonTueWedThuFriSat";
	char text[sizeof(form)] = "";
	const char *month, *day;
	int d, y, m, h, min, s, zone, shift;

	if (b.n != sizeof(form) - 1)
		return false;
	memcpy(text, b.p, b.n);
	for (size_t i = 0; i < b.n; i++)
		if (form[i] == '0'   ? text[i] < '0' || text[i] > '9'
		    : form[i] == '+' ? text[i] != '+' && text[i] != '-'
		    : form[i] == 'A' || form[i] == 'a' ? false
						       : text[i] != form[i])
			return false;
	day = strstr(days, (char[]) { text[0], text[1], text[2], '\0' });
	month = strstr(months, (char[]) { text[8], text[9], text[10], '\0' });
	d = atoi(text + 5);
	y = atoi(text + 12);
	h = atoi(text + 17);
	min = atoi(text + 20);
	s = atoi(text + 23);
	zone = atoi(text + 27);
	if (day == NULL || month == NULL || (day - days) % 3 != 0 ||
	    (month - months) % 3 != 0 || y < 1900 || h > 23 || min > 59 ||
	    s > 60 || zone % 100 > 59 || d < 1 || d > 31)
		return false;
	m = (int)(month - months) / 3 + 1;
	if (d > 30 && (m == 4 || m == 6 || m == 9 || m == 11))
		return false;
	if (m == 2 && d > 28 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0))
		return false;
	/* Sakamoto's rule of the weekday. */
	shift = m < 3;
	return (day - days) / 3 ==
	       (y - shift + (y - shift) / 4 - (y - shift) / 100 +
		   (y - shift) / 400 + (int)"-bed=pen+mad."[m] + d) %
		   7;
}

static bool
is_id(struct bytes b)
{
	const char *mark;

	if (b.n < 5 || b.n > 900 || b.p[0] != '<' || b.p[b.n - 1] != '>')
		return false;
	for (size_t i = 1; i + 1 < b.n; i++)
		if (b.p[i] <= ' ' || b.p[i] >= 0x7f || b.p[i] == '<' ||
		    b.p[i] == '>')
			return false;
	mark = memchr(b.p, '@', b.n);
	return mark != NULL && mark > b.p + 1 && mark < b.p + b.n - 2;
}

static bool
is_fit_stamp(const struct field *f)
{
	return is_named(f->name, "Date") ? is_date(trimmed(f->body))
					 : is_id(trimmed(f->body));
}

/* Might it be fit, in a form that the above does not know? */
static bool
is_odd_stamp(const struct field *f)
{
	return memchr(f->body.p, '(', f->body.n) != NULL ||
	       (is_named(f->name, "Date") &&
		   memchr(f->body.p, ':', f->body.n) != NULL &&
		   memchr(f->body.p, '-', f->body.n) !=
		       memchr(f->body.p, '+', f->body.n));
}

/* Keeps the best of those that say something. */
static void
best_stamp(struct head *h, const char *name)
{
	size_t best = SIZE_MAX, n = 0;
	bool is_odd = false;

	for (size_t i = h->n; i > 0; i--) {
		const struct field *f = &h->v[i - 1];

		if (!is_named(f->name, name) || trimmed(f->body).n == 0)
			continue;
		n++;
		is_odd |= is_odd_stamp(f);
		if (is_fit_stamp(f))
			best = i - 1;
	}
	if (n < 2)
		return;
	h->is_vague |= best == SIZE_MAX || is_odd;
	for (size_t i = h->n; i > 0; i--)
		if (i - 1 != best && is_named(h->v[i - 1].name, name)) {
			drop_field(h, i - 1);
			best -= best != SIZE_MAX && best > i - 1;
		}
}

/* What was submitted, with such fields once. */
static void
only_once(struct head *h)
{
	static const char *const lists[] = { "To", "Cc", "Reply-To" };
	static const char *const others[] = { "From", "Sender", "Subject",
		"In-Reply-To", "References", "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", "Content-ID",
		"Content-Description", "Content-Disposition" };

	for (size_t i = h->n; i > 0; i--)
		/* Who is put in depends on whether there was a From. */
		if (is_empty_list(&h->v[i - 1]) &&
		    !(is_named(h->v[i - 1].name, "From") &&
			count(h, "From") == 1))
			drop_field(h, i - 1);
	for (size_t i = 0; i < 2; i++)
		best_stamp(h, stamps[i]);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (count(h, others[i]) > 1)
			(void)keep_one(h, others[i]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t at, n;

		if (count(h, lists[i]) < 2)
			continue;
		h->joined[i] = join_lists(h, lists[i]);
		at = keep_one(h, lists[i]);
		n = strlen(h->joined[i]);
		h->v[at] = (struct field) { bytes_of(
						h->joined[i], strlen(lists[i])),
			bytes_of(h->joined[i] + strlen(lists[i]) + 1,
			    n - strlen(lists[i]) - 1),
			bytes_of(h->joined[i], n) };
	}
}

static void
submitted_parse(struct bytes text, struct head *h)
{
	struct buf plain, mended;
	struct head marks;
	char *p;
	size_t n;

	buf_init(&plain, TEXT_LIMIT);
	buf_init(&mended, TEXT_LIMIT);
	mend_text(without_nul(text, &plain), &mended, &marks);
	buf_clear(&plain);
	n = buf_len(&mended);
	p = buf_steal(&mended);
	head_parse(bytes_of(p, n), h);
	h->mended = p;
	h->is_vague = marks.is_vague || has_utf8_nul(text);
	h->has_original_lines = marks.has_original_lines;
	if (!h->is_too_big)
		only_once(h);
}

static const char *const address_fields[] = { "From", "Sender", "Reply-To",
	"To", "Cc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
	"Disposition-Notification-To", "Errors-To", "Mail-Followup-To", NULL };

static bool
allows_all(const struct boxes *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!model_allows(b->v[i].addr))
			return false;
	return b->n > 0;
}

enum { LOCALS = 1, AUTHOR = 2, SENDER = 4 };

static unsigned
role_of(struct bytes name, bool is_top)
{
	static const char *const locals[] = { "To", "Cc", "Reply-To",
		"Resent-To", "Resent-Cc", "Disposition-Notification-To",
		"Errors-To", "Mail-Followup-To", NULL };
	static const char *const authors[] = { "From", "Resent-From", NULL };
	static const char *const senders[] = { "Sender", "Resent-Sender",
		NULL };

	if (!is_top)
		return 0;
	return (is_one_of(name, locals) ? LOCALS : 0u) |
	       (is_one_of(name, authors) ? AUTHOR : 0u) |
	       (is_one_of(name, senders) ? SENDER : 0u);
}

/* Which authors had to go.  missing: the one where there was none, or NULL.
 * Whoever cannot be read goes, unless somebody reads him otherwise
 * (is_unsure). */
static bool
is_replaced(const struct head *h, const char *name, const char *missing,
    bool *is_unsure)
{
	bool found = false, is_there = false;

	for (size_t i = 0; i < h->n; i++) {
		struct boxes b;

		if (!is_named(h->v[i].name, name) || is_removed(&h->v[i]))
			continue;
		if (is_there && missing != NULL)
			return true; /* of From only the first stays */
		is_there = true;
		if (!boxes_parse(h->v[i].body, &b))
			found = *is_unsure = true;
		else if (!allows_all(&b) || (missing != NULL && b.n != 1))
			found = true;
		boxes_clear(&b);
	}
	return found ||
	       (!is_there && missing != NULL && !model_allows(missing));
}

static bool
is_from_gone(
    const struct head *h, const struct model_rules *rules, bool *is_unsure)
{
	return is_replaced(h, "From",
	    count(h, "From") == 0 ? rules->author : rules->author_of_empty,
	    is_unsure);
}

/* No reader may find another address in the name of one who is written anew. */
static void
plain_name(struct box *box)
{
	char name[NAME_SIZE] = "";
	size_t n = 0;

	if (strcasecmp(box->name, MODEL_ADDRESS) == 0)
		return;
	for (const char *p = box->name; *p != '\0' && n + 5 < NAME_SIZE; p++)
		if (*p == '@')
			n += (size_t)sprintf(name + n, " at ");
		else if (*p != '<' && *p != '>')
			name[n++] = *p;
	name[n] = '\0';
	memcpy(box->name, name, n + 1);
}

/* What stands for an author who may not stay: the account's address, with the
 * name that was there, or else one that is made. */
static void
account_box(struct box *box)
{
	const char *domain = domain_of(box->addr);
	const char *at = at_of(box->addr);
	size_t local = at != NULL ? (size_t)(at - box->addr)
				  : strlen(box->addr);
	bool is_here = model_is_local(box->addr);
	char host[ADDR_SIZE];

	/* A user of this machine whose name is only his login has none. */
	if (is_here && !box->is_encoded && strlen(box->name) == local &&
	    strncasecmp(box->name, box->addr, local) == 0)
		box->name[0] = '\0';
	plain_name(box);
	if (is_here &&
	    (domain[0] == '\0' || domain[0] == '[' ||
		is_named(bytes_of(domain, strcspn(domain, ".")), "localhost")))
		domain = MODEL_HOST;
	(void)snprintf(host, sizeof(host), "%s", domain);
	if (is_here)
		host[strcspn(host, ".")] = '\0';
	if (box->name[0] == '\0' && strcasecmp(box->addr, MODEL_ADDRESS) != 0) {
		(void)snprintf(box->name, sizeof(box->name), "%.*s %s %s",
		    (int)local, box->addr, is_here ? "on" : "at", host);
		/* No reader may find an address in it. */
		for (size_t i = 0; i < local && box->name[i] != '\0'; i++)
			if (box->name[i] == '@')
				box->name[i] = ' ';
	}
	(void)snprintf(box->addr, sizeof(box->addr), "%s", MODEL_ADDRESS);
}

/* From keeps one author, the first that may stay. */
static void
one_author(struct boxes *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (model_allows(b->v[i].addr)) {
			b->v[0] = b->v[i];
			if (b->n > 1)
				plain_name(&b->v[0]);
			b->n = 1;
			return;
		}
	b->n = 1;
	account_box(&b->v[0]);
}

/* Does an address that goes out keep a local part over 127? */
static bool
keeps_utf8_local(const struct boxes *b, unsigned role, bool *ret_is_vague)
{
	char ascii[ADDR_SIZE];

	if ((role & (AUTHOR | SENDER)) != 0 && !allows_all(b))
		return false; /* all of it is replaced */
	for (size_t k = 0; k < b->n; k++) {
		if (!wire_addr(b->v[k].addr, ascii))
			*ret_is_vague = true;
		else if (!is_ascii(bytes_str(ascii)) &&
			 ((role & LOCALS) == 0 ||
			     !model_is_local(b->v[k].addr)))
			return true;
	}
	return false;
}

/* What the newest block of a message that is resent lacks (RFC 5322 3.6.6). */
static bool
is_resent(const struct field *f)
{
	return f->name.n >= 7 && strncasecmp(f->name.p, "Resent-", 7) == 0;
}

static bool
is_lacking(const struct head *a, const char *name)
{
	struct bytes seen[16];
	size_t nseen = 0;

	for (size_t i = 0; i < a->n && nseen < 16; i++) {
		const struct field *f = &a->v[i];

		if (is_removed(f) || (nseen == 0 && !is_resent(f)))
			continue;
		if (!is_resent(f))
			return true;
		for (size_t k = 0; k < nseen; k++)
			if (seen[k].n == f->name.n &&
			    strncasecmp(seen[k].p, f->name.p, f->name.n) == 0)
				return true;
		if (is_named(f->name, name))
			return false;
		seen[nseen++] = f->name;
	}
	return nseen > 0;
}

/* Resent-From is replaced, or made of a sender who may not stay. */
static bool
is_resent_gone(
    const struct head *h, const struct model_rules *rules, bool *is_unsure)
{
	return is_replaced(h, "Resent-From", NULL, is_unsure) ||
	       (is_lacking(h, "Resent-From") &&
		   !model_allows(rules->author_of_empty));
}

static bool
keeps_utf8(
    const struct head *h, const struct model_rules *rules, bool *ret_is_vague)
{
	bool found = false, has_from = false, is_top = rules != NULL;
	bool is_unsure = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->v[i];
		struct boxes b;
		bool is_gone = (is_top && is_named(f->name, "Sender") &&
				   is_from_gone(h, rules, &is_unsure)) ||
			       (is_top && is_named(f->name, "Resent-Sender") &&
				   is_resent_gone(h, rules, &is_unsure)) ||
			       (is_top && (is_removed(f) ||
					      (is_named(f->name, "From") &&
						  has_from)));

		if (!is_one_of(f->name, address_fields) || is_ascii(f->raw)) {
			has_from |= is_named(f->name, "From");
			continue;
		}
		*ret_is_vague |= is_unsure;
		if (is_gone)
			continue;
		has_from |= is_named(f->name, "From");
		if (!boxes_parse(f->body, &b))
			*ret_is_vague = true;
		else if (is_top && is_named(f->name, "From"))
			one_author(&b);
		found |= keeps_utf8_local(
		    &b, role_of(f->name, is_top), ret_is_vague);
		boxes_clear(&b);
	}
	return found;
}

/* In the header of an attached message. */
static bool
has_stuck_address(const struct tree *t, struct model_judgment *j)
{
	bool is_stuck = false;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].kind == PIECE_HEAD && !t->v[i].is_sealed)
			is_stuck |= keeps_utf8(
			    &t->v[i].head, NULL, &j->is_vague);
	return is_stuck;
}

struct model_judgment
model_judge(struct bytes text, const struct model_rules *rules)
{
	struct model_judgment j = { MODEL_SENT, "", false, false };
	bool is_7bit;
	struct head h;
	struct tree t;
	struct bytes body;

	submitted_parse(text, &h);
	body = h.body;
	tree_parse(&h, body, &t);
	is_7bit = !rules->has_8bitmime && (rules->is_8bit || !is_ascii(body));
	j.is_vague = t.is_vague || h.is_vague;
	j.is_repaired = longest_line(body) > LINE_LIMIT || is_7bit;
	if (h.is_too_big)
		j = (struct model_judgment) { MODEL_REFUSED, "5.3.4", 0, 0 };
	else if (count(&h, "Received") > HOPS_LIMIT)
		j = (struct model_judgment) { MODEL_REFUSED, "5.4.6", 0, 0 };
	else if (t.longest_sealed > LINE_LIMIT)
		j.fate = MODEL_REFUSED, j.enhanced = "5.6.0";
	else if (longest_line(body) > LINE_LIMIT && t.is_beyond)
		j.fate = MODEL_REFUSED, j.enhanced = "5.6.0";
	else if (j.is_repaired && t.is_beyond)
		j.fate = MODEL_UNSENDABLE, j.enhanced = "5.6.0";
	else if (is_7bit && (t.has_sealed_8bit || t.has_bare_8bit ||
				has_stuck_address(&t, &j)))
		j.fate = MODEL_UNSENDABLE, j.enhanced = "5.6.3";
	/* Of two reasons the client engine sees this one first. */
	if ((j.fate == MODEL_SENT || strcmp(j.enhanced, "5.6.3") == 0) &&
	    !rules->has_smtputf8 && keeps_utf8(&h, rules, &j.is_vague))
		j.fate = MODEL_UNSENDABLE, j.enhanced = "5.6.7";
	tree_clear(&t);
	head_clear(&h);
	return j;
}

/* --- comparing ------------------------------------------------------------ */

struct compare {
	const struct model_rules *rules;
	bool may_utf8, is_7bit, is_repaired;
	bool is_from_replaced, is_from_unsure, is_resent_replaced;
	struct head original, given, wire; /* given: with fields once */
	struct buf *why;
};

static bool
no(struct compare *c, const char *what, struct bytes a, struct bytes b)
{
	if (buf_len(c->why) == 0 &&
	    !buf_addf(c->why, "%s\n  given: %.*s\n  wire:  %.*s\n", what,
		(int)(a.n < 300 ? a.n : 300), a.p, (int)(b.n < 300 ? b.n : 300),
		b.p))
		abort();
	return false;
}

/* Mailboxes as they must be: names of this machine become admin's, each
 * replacement once. */
static void
without_locals(struct boxes *b)
{
	bool has_admin = false;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		bool is_local = model_is_local(b->v[i].addr);

		if (is_local && has_admin)
			continue;
		if (n != i)
			b->v[n] = b->v[i];
		if (is_local) {
			(void)snprintf(b->v[n].addr, sizeof(b->v[n].addr), "%s",
			    MODEL_ADMIN);
			has_admin = true;
		}
		n++;
	}
	b->n = n;
}

static bool
same_boxes(const struct boxes *a, const struct boxes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_addr(a->v[i].addr, b->v[i].addr) ||
		    !same_name(a->v[i].name, b->v[i].name))
			return false;
	return true;
}

/* Is the field as it was, or as it must be? */
static bool
same_mailboxes(struct compare *c, const struct field *a, const struct field *b,
    unsigned role)
{
	struct boxes x, y;
	bool ok, is_sure = boxes_parse(a->body, &x);

	ok = boxes_parse(b->body, &y);
	if (nobody_of(a->body) == NOBODY_BAD && (role & LOCALS) != 0) {
		ok = is_named(trimmed(b->body), "undisclosed-recipients:;");
	} else if (!is_sure || nobody_of(a->body) != NOBODY_NOT) {
		/* Two readers may differ about it.  What goes out must still
		 * be an author who may stay. */
		model_vague++;
		ok = (role & (AUTHOR | SENDER)) == 0 || !ok || allows_all(&y);
	} else if (!ok) {
		ok = false;
	} else {
		if ((role & LOCALS) != 0)
			without_locals(&x);
		if (is_named(a->name, "From") && (role & AUTHOR) != 0) {
			one_author(&x);
		} else if ((role & AUTHOR) != 0 && !allows_all(&x)) {
			x.n = 1;
			account_box(&x.v[0]);
		}
		if ((role & SENDER) != 0 && !allows_all(&x)) {
			x.n = 1;
			x.v[0].name[0] = '\0';
			(void)snprintf(x.v[0].addr, sizeof(x.v[0].addr), "%s",
			    MODEL_ADDRESS);
		}
		ok = same_boxes(&x, &y);
	}
	boxes_clear(&x);
	boxes_clear(&y);
	return ok || no(c, "mailboxes differ", a->raw, b->raw);
}

/* Bytes that are not fit for this server. */
static bool
is_foreign(const struct compare *c, struct bytes raw, bool is_top)
{
	/* Inside the parts only a server without 8BITMIME minds. */
	return !is_ascii(raw) &&
	       (is_top ? !(c->may_utf8 && is_utf8(raw)) : c->is_7bit);
}

/* May it go out as it is? */
static bool
is_fit(struct compare *c, const struct field *f, unsigned role)
{
	struct boxes b;
	bool ok, is_sure;

	if (is_too_long(f->raw) || (is_foreign(c, f->raw, true) &&
				       !is_one_of(f->name, address_fields)))
		return false;
	if (role == 0 && is_ascii(f->raw))
		return true;
	is_sure = boxes_parse(f->body, &b) && nobody_of(f->body) == NOBODY_NOT;
	ok = !is_sure || (role & (AUTHOR | SENDER)) == 0 ||
	     (allows_all(&b) &&
		 (b.n == 1 || !is_named(f->name, "From") || role == 0));
	for (size_t i = 0; is_sure && i < b.n; i++) {
		char ascii[ADDR_SIZE];

		if ((role != 0 && b.has_gaps) ||
		    ((role & LOCALS) != 0 && model_is_local(b.v[i].addr)))
			ok = false;
		if (wire_addr(b.v[i].addr, ascii) &&
		    is_foreign(c, f->raw, true) && is_ascii(bytes_str(ascii)) &&
		    b.n == 1)
			ok = false;
	}
	boxes_clear(&b);
	return ok;
}

static bool
has_half_word(struct bytes raw)
{
	return !is_ascii(raw) && memmem(raw.p, raw.n, "=?", 2) != NULL;
}

/* So long a word that only text may have it. */
static bool
is_told_elsewhere(const struct field *f)
{
	static const char *const grammar[] = { "Received", "References", "Bcc",
		"Resent-Bcc", "Return-Path", "Message-ID", "Date",
		"In-Reply-To", "MIME-Version", "Content-Type",
		"Content-Disposition", "Content-Length",
		"Content-Transfer-Encoding", "From", "Sender", "Reply-To", "To",
		"Cc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
		"Disposition-Notification-To", "DKIM-Signature", NULL };
	size_t word = 0;

	if (!is_too_long(f->raw) || !is_one_of(f->name, grammar))
		return false;
	for (size_t i = 0; i < f->body.n; i++) {
		word = is_white(f->body.p[i]) ? 0 : word + 1;
		if (word > 890)
			return true;
	}
	return false;
}

static bool
starts_with_word(struct bytes b, const char *word)
{
	return b.n >= strlen(word) && strncasecmp(b.p, word, strlen(word)) == 0;
}

static bool
same_field(struct compare *c, const struct field *a, const struct field *b,
    bool is_top)
{
	static const char *const params[] = { "Content-Type",
		"Content-Disposition", NULL };
	unsigned role = role_of(a->name, is_top);
	bool is_long = is_too_long(a->raw),
	     may_change = is_long || is_foreign(c, a->raw, is_top);

	if (a->name.n != b->name.n ||
	    strncasecmp(a->name.p, b->name.p, a->name.n) != 0)
		return no(c, "another field", a->raw, b->raw);
	if (same(a->raw, b->raw))
		return !is_top || is_fit(c, a, role) ||
		       no(c, "a field that had to change", a->raw, b->raw);
	if (is_too_long(b->raw))
		return no(c, "a line too long", a->raw, b->raw);
	/* A multipart that nobody can take apart is encoded as text. */
	if (c->is_repaired && is_named(a->name, "Content-Type") &&
	    starts_with_word(trimmed(b->body), "text/plain") &&
	    starts_with_word(trimmed(a->body), "multipart"))
		return true;
	if (role != 0 || (may_change && !is_ascii(a->raw) &&
			     is_one_of(a->name, address_fields))) {
		if (has_half_word(a->raw)) {
			model_vague++;
			return true;
		}
		return same_mailboxes(c, a, b, role);
	}
	if (!may_change && !(is_top && has_half_word(a->raw)))
		return no(c, "a field changed", a->raw, b->raw);
	if (is_foreign(c, b->raw, is_top))
		return no(c, "bytes over 127", a->raw, b->raw);
	/* Where may such a word be cut, and where does such a value end?  What
	 * is seen in an encoded word with other bytes? */
	if (has_half_word(a->raw) || (is_long && !is_utf8(a->raw)) ||
	    (is_one_of(a->name, params) && !is_parameterized(a->body))) {
		model_vague++;
		return true;
	}
	return means_same(
		   a->body, b->body, is_long || is_one_of(a->name, params)) ||
	       no(c, "a field means something else", a->raw, b->raw);
}

/* Surely, that is. */
static bool
names_somebody(const struct field *f)
{
	struct boxes b;
	bool ok = boxes_parse(f->body, &b);

	boxes_clear(&b);
	return ok;
}

/* Are the fields of this name others than they were? */
static bool
has_changed(const struct compare *c, struct bytes name)
{
	size_t k = 0;

	for (size_t i = 0; i < c->original.n; i++) {
		const struct field *f = &c->original.v[i];

		if (f->name.n != name.n ||
		    strncasecmp(f->name.p, name.p, name.n) != 0)
			continue;
		while (k < c->wire.n && (c->wire.v[k].name.n != name.n ||
					    strncasecmp(c->wire.v[k].name.p,
						name.p, name.n) != 0))
			k++;
		if (k == c->wire.n || !same(f->raw, c->wire.v[k++].raw))
			return true;
	}
	for (; k < c->wire.n; k++)
		if (c->wire.v[k].name.n == name.n &&
		    strncasecmp(c->wire.v[k].name.p, name.p, name.n) == 0)
			return true;
	return false;
}

/* Does the signature speak of what is no more? */
static bool
is_stale(const struct compare *c, const struct field *f)
{
	struct bytes b = f->body;

	/* It cannot stay as it is, or the author has not. */
	if (is_too_long(f->raw) || is_foreign(c, f->raw, true) ||
	    has_changed(c, bytes_of("From", 4)))
		return true;
	while (b.n > 0) {
		struct bytes tag = b;
		const char *end = memchr(b.p, ';', b.n), *eq;

		tag.n = end != NULL ? (size_t)(end - b.p) : b.n;
		b = end != NULL ? bytes_of(end + 1, b.n - tag.n - 1)
				: bytes_of("", 0);
		eq = memchr(tag.p, '=', tag.n);
		if (eq == NULL ||
		    !same(trimmed(bytes_of(tag.p, (size_t)(eq - tag.p))),
			bytes_of("h", 1)))
			continue;
		tag = bytes_of(eq + 1, tag.n - (size_t)(eq + 1 - tag.p));
		while (tag.n > 0) {
			const char *colon = memchr(tag.p, ':', tag.n);
			size_t n = colon != NULL ? (size_t)(colon - tag.p)
						 : tag.n;

			if (has_changed(c, trimmed(bytes_of(tag.p, n))))
				return true;
			n += colon != NULL;
			tag = bytes_of(tag.p + n, tag.n - n);
		}
		return false;
	}
	return false;
}

/* No address can be made out in it, and as an encoded word it would be none. */
static bool
is_unreadable(const struct field *f)
{
	struct boxes b;
	bool is_sure = boxes_parse(f->body, &b);

	boxes_clear(&b);
	return !is_sure && !is_ascii(f->raw);
}

/* Fields that go when what they speak of has changed. */
static bool
may_vanish(const struct compare *c, const struct field *f, bool is_top)
{
	static const char *const counts[] = { "Content-Length", "Lines", NULL };

	if (is_told_elsewhere(f))
		return true;
	if (!is_top)
		return false;
	if (is_one_of(f->name, counts) || is_named(f->name, "DKIM-Signature"))
		return c->is_repaired;
	if (is_named(f->name, "Sender"))
		return c->is_from_replaced;
	if (is_one_of(f->name, may_lack_rcpts) &&
	    (nobody_of(f->body) == NOBODY_BESIDE || is_unreadable(f) ||
		(!names_somebody(f) &&
		    memchr(f->body.p, '@', f->body.n) == NULL)))
		return true;
	if (is_named(f->name, "Resent-Sender"))
		return c->is_resent_replaced;
	return is_named(f->name, "Reply-To") && c->is_from_replaced &&
	       !names_somebody(f);
}

/* ... and those that must. */
static bool
must_vanish(const struct compare *c, const struct field *f, bool is_top)
{
	if (f->name.n > NAME_LIMIT &&
	    (is_too_long(f->raw) || is_foreign(c, f->raw, is_top)))
		return true; /* no line could hold it */
	if (!is_top)
		return false;
	return is_removed(f) ||
	       (is_named(f->name, "Sender") && c->is_from_replaced &&
		   !c->is_from_unsure) ||
	       (is_named(f->name, "DKIM-Signature") && is_stale(c, f));
}

static bool
has_one_fit(const struct compare *c, const char *name)
{
	const struct field *f = find(&c->original, name);

	return count(&c->original, name) == 1 && is_fit_stamp(f);
}

static bool
may_appear(const struct compare *c, const struct head *given,
    const struct field *f, bool is_top)
{
	static const char *const facts[] = { "From", "Date", "Message-ID",
		NULL };
	static const char *const mime[] = { "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", NULL };
	struct boxes b;
	bool ok;

	for (size_t i = 0; i < given->n; i++)
		if (f->name.n == given->v[i].name.n &&
		    strncasecmp(f->name.p, given->v[i].name.p, f->name.n) ==
			0 &&
		    !is_removed(&given->v[i]) &&
		    !may_vanish(c, &given->v[i], is_top))
			return false; /* there is one already */
	if (is_one_of(f->name, mime))
		return c->is_repaired;
	if (c->is_repaired &&
	    (is_named(f->name, "X-Original-Content-Transfer-Encoding") ||
		is_named(f->name, "X-Original-Content-Type")))
		return true;
	for (size_t i = 0; i < given->n; i++)
		if (is_told_elsewhere(&given->v[i]) &&
		    f->name.n == given->v[i].name.n + 11 &&
		    strncasecmp(f->name.p, "X-Original-", 11) == 0)
			return true;
	if (!is_top)
		return false;
	if (is_named(f->name, "Reply-To"))
		return c->is_from_replaced;
	if (is_named(f->name, "X-Original-Date"))
		return !has_one_fit(c, "Date");
	if (is_named(f->name, "X-Original-Message-ID"))
		return !has_one_fit(c, "Message-ID");
	if (is_named(f->name, "X-Original-Line"))
		return c->given.has_original_lines;
	if (is_named(f->name, "Auto-Submitted"))
		return c->rules->is_from_nobody;
	if (!is_one_of(f->name, facts))
		return false;
	if (!is_named(f->name, "From"))
		return true;
	ok = boxes_parse(f->body, &b) && allows_all(&b) && b.n == 1;
	boxes_clear(&b);
	return ok;
}

static bool
is_cte(const struct field *f)
{
	return is_named(f->name, "Content-Transfer-Encoding");
}

/* A field that completes such a block. */
static bool
completes(const struct head *a, const struct field *w)
{
	struct boxes b;
	bool ok;

	if (is_named(w->name, "Resent-Date"))
		return is_lacking(a, "Resent-Date") &&
		       is_fit_stamp(&(struct field) {
			   bytes_of("Date", 4), w->body, w->raw });
	if (is_named(w->name, "Resent-Message-ID"))
		return is_lacking(a, "Resent-Message-ID") && is_fit_stamp(w);
	if (!is_named(w->name, "Resent-From") || !is_lacking(a, "Resent-From"))
		return false;
	ok = boxes_parse(w->body, &b) && allows_all(&b) && b.n == 1;
	boxes_clear(&b);
	return ok;
}

static bool
same_stamp(struct compare *c, const struct field *a, const struct field *b)
{
	if (!is_named(
		b->name, is_named(a->name, "Date") ? "Date" : "Message-ID"))
		return no(c, "another field", a->raw, b->raw);
	if (same(a->raw, b->raw) && (is_fit_stamp(a) || is_odd_stamp(a)))
		return true;
	if (is_fit_stamp(a))
		return same_field(c, a, b, true);
	return is_fit_stamp(b) ||
	       no(c, "a date or an id that no server takes", a->raw, b->raw);
}

/* A date or an id that is no longer there is told by another field. */
static bool
has_originals(struct compare *c)
{
	for (size_t i = 0; i < c->original.n; i++) {
		const struct field *f = &c->original.v[i];
		bool found = trimmed(f->body).n == 0 || f->raw.n > 900 ||
			     has_half_word(f->raw) ||
			     !is_one_of(f->name, stamps);

		for (size_t k = 0; k < c->wire.n && !found; k++) {
			const struct field *w = &c->wire.v[k];
			char name[32];

			(void)snprintf(name, sizeof(name), "X-Original-%.*s",
			    (int)f->name.n, f->name.p);
			found = (is_named(w->name, name) ||
				    (w->name.n == f->name.n &&
					strncasecmp(w->name.p, f->name.p,
					    f->name.n) == 0)) &&
				means_same(f->body, w->body, true);
		}
		if (!found)
			return no(c, "a date or an id is lost", f->raw,
			    bytes_of("", 0));
	}
	return true;
}

/* Its members stand for themselves, so that some of them can stay. */
static bool
is_list(const struct field *f)
{
	return !is_named(f->name, "Received") &&
	       !is_named(f->name, "DKIM-Signature");
}

/* Is w what is left of field i, rather than a later field of that name? */
static bool
has_remains(const struct head *a, size_t i, const struct field *w)
{
	const struct field *f = &a->v[i];

	if (f->name.n != w->name.n ||
	    strncasecmp(f->name.p, w->name.p, w->name.n) != 0)
		return false;
	for (size_t k = i + 1; k < a->n; k++)
		if (f->name.n == a->v[k].name.n &&
		    strncasecmp(f->name.p, a->v[k].name.p, f->name.n) == 0)
			return !same(a->v[k].raw, w->raw);
	return true;
}

/* Is w the whole of field i, and not the next of that name? */
static bool
stayed(struct compare *c, const struct head *a, size_t i, const struct field *w,
    bool is_top)
{
	const struct field *f = &a->v[i];

	for (size_t k = i + 1; k < a->n; k++)
		if (f->name.n == a->v[k].name.n &&
		    strncasecmp(f->name.p, a->v[k].name.p, f->name.n) == 0)
			return same_field(c, f, w, is_top) &&
			       !same_field(c, &a->v[k], w, is_top);
	return same_field(c, f, w, is_top);
}

/* The fields of a header, one by one and in order. */
static const char *const resent[] = { "Resent-From", "Resent-Date",
	"Resent-Message-ID" };

/* Fields of this name from there on: the one that is there may be the next. */
static size_t
count_from(const struct head *h, size_t from, const struct field *f)
{
	size_t n = 0;

	for (size_t i = from; i < h->n; i++)
		n += h->v[i].name.n == f->name.n &&
		     strncasecmp(h->v[i].name.p, f->name.p, f->name.n) == 0;
	return n;
}

static bool
same_heads(struct compare *c, const struct head *a, const struct head *b,
    size_t from, bool is_top)
{
	size_t k = from;
	bool has_from = false, is_complete = false;

	if (is_top || b->n == from || a->mbox.n > LINE_LIMIT ||
		    is_foreign(c, a->mbox, false)
		? b->mbox.n > 0
		: !same(a->mbox, b->mbox))
		return no(c, "the mbox line", a->mbox, b->mbox);

	for (size_t i = 0; i < a->n; i++) {
		const struct field *f = &a->v[i];

		bool is_from = is_top && is_named(f->name, "From") &&
			       !is_removed(f);

		if (is_top && !is_complete && is_resent(f) && !is_removed(f)) {
			is_complete = true;
			for (size_t j = 0; j < 3; j++)
				k += k < b->n &&
				     is_named(b->v[k].name, resent[j]) &&
				     completes(a, &b->v[k]);
		}
		if (must_vanish(c, f, is_top) || (is_from && has_from))
			continue;
		has_from |= is_from;
		if (k < b->n && is_cte(f) && is_cte(&b->v[k]) &&
		    c->is_repaired) {
			k++; /* looked at with the part itself */
			continue;
		}
		if (is_told_elsewhere(f)) {
			/* Of a list some members may have stayed; encoded for
			 * its bytes over 127, all of it may have. */
			k += k < b->n && has_remains(a, i, &b->v[k]) &&
			     (is_list(f) || stayed(c, a, i, &b->v[k], is_top));
			buf_reset(c->why);
			model_vague++;
			continue;
		}
		if (may_vanish(c, f, is_top)) {
			if (k < b->n &&
			    count_from(b, k, f) >= count_from(a, i, f) &&
			    same_field(c, f, &b->v[k], is_top))
				k++;
			buf_reset(c->why);
			continue;
		}
		if (k == b->n)
			return no(c, "a field is missing", f->raw, f->raw);
		if (is_top && is_one_of(f->name, stamps)
			? !same_stamp(c, f, &b->v[k++])
			: !same_field(c, f, &b->v[k++], is_top))
			return false;
	}
	for (size_t i = 0; is_top && i < 3; i++)
		if (is_lacking(a, resent[i]) && find(b, resent[i]) == NULL)
			return no(c, "a block of Resent- fields lacks one",
			    bytes_str(resent[i]), bytes_of("", 0));
	for (; k < b->n; k++)
		if (!may_appear(c, a, &b->v[k], is_top))
			return no(c, "a field too many", bytes_of("", 0),
			    b->v[k].raw);
	return true;
}

/* Text nobody reads: line ends may be added, bytes over 127 become "?". */
static bool
same_frame(struct compare *c, struct bytes a, struct bytes b)
{
	size_t i = 0, k = 0;

	if (same(a, b))
		return true;
	while (i < a.n || k < b.n) {
		if (i < a.n && is_white(a.p[i]))
			i++;
		else if (k < b.n && is_white(b.p[k]))
			k++;
		else if (i < a.n && k < b.n &&
			 (a.p[i] == b.p[k] ||
			     (c->is_7bit && (unsigned char)a.p[i] >= 0x80 &&
				 b.p[k] == '?')))
			i++, k++;
		else
			return no(c, "what is between parts", a, b);
	}
	return true;
}

static bool
needs_change(const struct compare *c, struct bytes leaf)
{
	return longest_line(leaf) > LINE_LIMIT ||
	       (c->is_7bit && !is_ascii(leaf));
}

static void
plain(enum encoding e, struct bytes b, struct buf *to)
{
	switch (e) {
	case QP:
		decode_qp(b, to);
		break;
	case BASE64:
		decode_base64(b, to);
		break;
	case IDENTITY:
	case OTHER:
		put(to, b.p, b.n);
		break;
	}
}

/* Blanks at the ends of lines: in quoted-printable they may come and go on the
 * way, and breaking a long line decides which. */
static void
without_trailing_blanks(struct buf *b)
{
	char *p = b->p + b->head;
	size_t n = 0;

	for (size_t i = 0; i < buf_len(b); i++) {
		if (p[i] == '\r' || p[i] == '\n')
			while (n > 0 && is_blank(p[n - 1]))
				n--;
		p[n++] = p[i];
	}
	while (n > 0 && is_blank(p[n - 1]))
		n--;
	buf_truncate(b, n);
}

static bool
same_leaf(struct compare *c, struct bytes a, enum encoding ea, struct bytes b,
    enum encoding eb)
{
	struct buf x, y;
	bool ok;

	if (!needs_change(c, a))
		return (same(a, b) && ea == eb) ||
		       no(c, "a part changed", a, b);
	if (ea == OTHER ? eb != BASE64 : eb != QP && eb != BASE64)
		return no(c, "a part is not encoded", a, b);
	if (!is_ascii(b) || longest_line(b) > LINE_LIMIT)
		return no(c, "a part is badly encoded", a, b);
	buf_init(&x, TEXT_LIMIT);
	buf_init(&y, TEXT_LIMIT);
	plain(ea, a, &x);
	plain(eb, b, &y);
	if (ea == QP) {
		without_trailing_blanks(&x);
		without_trailing_blanks(&y);
	}
	/* A line end that was missing behind the last line. */
	ok = same(buf_bytes(&x), buf_bytes(&y)) ||
	     (ea != IDENTITY &&
		 same(trimmed(buf_bytes(&x)), trimmed(buf_bytes(&y))));
	if (!ok && getenv("MODEL_VERBOSE") != NULL)
		(void)fprintf(
		    stderr, "plain: %s\nnot:   %s\n", buf_str(&x), buf_str(&y));
	if (!ok)
		no(c, "a part decodes to something else", a, b);
	buf_clear(&x);
	buf_clear(&y);
	return ok;
}

static bool
same_pieces(struct compare *c, const struct tree *a, const struct tree *b)
{
	if (a->n != b->n)
		return no(c, "other parts", bytes_of("", 0), bytes_of("", 0));
	for (size_t i = 0; i < a->n; i++) {
		const struct piece *x = &a->v[i], *y = &b->v[i];
		bool ok = x->kind == y->kind && x->is_sealed == y->is_sealed;

		if (!ok)
			return no(
			    c, "parts in another order", x->bytes, y->bytes);
		if (x->is_sealed)
			ok = same(x->bytes, y->bytes) ||
			     no(c, "a sealed part changed", x->bytes, y->bytes);
		else if (x->kind == PIECE_HEAD)
			ok = same_heads(c, &x->head, &y->head, 0, false);
		else if (x->kind == PIECE_LEAF)
			ok = same_leaf(
			    c, x->bytes, x->encoding, y->bytes, y->encoding);
		else
			ok = same_frame(c, x->bytes, y->bytes);
		if (!ok)
			return false;
	}
	return true;
}

static bool
same_bodies(struct compare *c, struct bytes a, struct bytes b)
{
	struct tree x, y;
	bool ok;

	if (!c->is_repaired)
		return same(a, b) || no(c, "the body changed", a, b);
	tree_parse(&c->given, a, &x);
	tree_parse(&c->wire, b, &y);
	if (x.is_vague) {
		model_vague++;
		ok = true;
	} else {
		ok = same_pieces(c, &x, &y);
	}
	tree_clear(&x);
	tree_clear(&y);
	return ok;
}

static bool
is_clean(struct compare *c, struct bytes w)
{
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == '\r' && i + 1 < w.n && w.p[i + 1] == '\n')
			i++;
		else if (w.p[i] == '\0' || w.p[i] == '\r' || w.p[i] == '\n')
			return no(c, "NUL, bare CR or bare LF", w, w);
	}
	if (w.n < 2 || w.p[w.n - 1] != '\n')
		return no(c, "no line end at the end", w, w);
	if (longest_line(w) > LINE_LIMIT)
		return no(c, "a line over 998", w, w);
	if (!c->rules->has_8bitmime && !c->rules->has_smtputf8 && !is_ascii(w))
		return no(c, "bytes over 127", w, w);
	return true;
}

bool
model_same(struct bytes text, struct bytes wire,
    const struct model_rules *rules, struct buf *why)
{
	struct compare c = { .rules = rules, .why = why };
	struct bytes a, b;
	bool ok, is_unsure = false;

	submitted_parse(text, &c.given);
	head_parse(bytes_of(c.given.mended, c.given.end), &c.original);
	head_parse(wire, &c.wire);
	a = c.given.body;
	b = c.wire.body;
	c.may_utf8 = rules->has_smtputf8 && rules->wants_utf8;
	c.is_7bit = !rules->has_8bitmime && (rules->is_8bit || !is_ascii(a));
	c.is_repaired = longest_line(a) > LINE_LIMIT || c.is_7bit;
	c.is_from_replaced = is_from_gone(&c.given, rules, &c.is_from_unsure);
	c.is_resent_replaced = is_resent_gone(&c.given, rules, &is_unsure);
	ok = is_clean(&c, wire) &&
	     (c.wire.has_blank || no(&c, "no empty line", text, wire)) &&
	     ((c.wire.n > 0 && is_named(c.wire.v[0].name, "Received")) ||
		 no(&c, "no Received field", text, wire)) &&
	     same_heads(&c, &c.given, &c.wire, 1, true) && has_originals(&c) &&
	     same_bodies(&c, a, b);
	if (c.given.is_vague) {
		model_vague++;
		buf_reset(why);
		ok = is_clean(&c, wire);
	}
	head_clear(&c.original);
	head_clear(&c.given);
	head_clear(&c.wire);
	return ok;
}
