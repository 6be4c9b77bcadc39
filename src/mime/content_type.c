/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mime/content_type.h"

#include <string.h>

#include "base/ascii.h"
#include "base/must.h"
#include "base/str.h"

struct scan {
	struct bytes b; /* what is left */
};

/* RFC 2045 5.1: no control, no blank, none of these. */
static bool
is_token(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	       strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static void
skip(struct scan *s, size_t n)
{
	s->b = bytes_of(s->b.p + n, s->b.n - n);
}

static bool
at(const struct scan *s, char c)
{
	return s->b.n > 0 && s->b.p[0] == c;
}

static void
skip_comment(struct scan *s)
{
	size_t depth = 0, i = 0;

	for (; i < s->b.n; i++) {
		char c = s->b.p[i];

		if (c == '\\')
			i++;
		depth += c == '(';
		depth -= c == ')';
		if (depth == 0)
			break;
	}
	skip(s, i < s->b.n ? i + 1 : s->b.n);
}

static void
skip_blanks(struct scan *s)
{
	while (s->b.n > 0) {
		if (ascii_is_blank(s->b.p[0]))
			skip(s, 1);
		else if (s->b.p[0] == '(')
			skip_comment(s);
		else
			return;
	}
}

static struct bytes
token(struct scan *s)
{
	struct bytes t = bytes_of(s->b.p, 0);

	while (t.n < s->b.n && is_token(t.p[t.n]))
		t.n++;
	skip(s, t.n);
	skip_blanks(s);
	return t;
}

/* What stands without quotes where it needs some: "----=_Part/1". */
static struct bytes
take_bare(struct scan *s)
{
	struct bytes t = bytes_of(s->b.p, 0);

	while (t.n < s->b.n && t.p[t.n] != ';' && !ascii_is_blank(t.p[t.n]))
		t.n++;
	skip(s, t.n);
	skip_blanks(s);
	return t;
}

/* Copies a token or a quoted string; false: it does not fit or has no end. */
static bool
value(struct scan *s, char *to, size_t size, bool is_boundary)
{
	size_t n = 0, i = 1;

	if (!at(s, '"'))
		return str_copy(
		    to, size, is_boundary ? take_bare(s) : token(s));
	for (; i < s->b.n && s->b.p[i] != '"'; i++) {
		char c = s->b.p[i];

		if (c == '\\' && i + 1 < s->b.n)
			c = s->b.p[++i];
		if (c == '\r' || c == '\n')
			continue; /* folding */
		if (n < size)
			to[n] = c;
		n++;
	}
	skip(s, i < s->b.n ? i + 1 : s->b.n);
	skip_blanks(s);
	if (n >= size)
		return false;
	to[n] = '\0';
	return true;
}

static bool
name(struct scan *s, char *to, size_t size)
{
	if (!str_copy(to, size, token(s)) || to[0] == '\0')
		return false;
	for (; *to != '\0'; to++)
		if (*to >= 'A' && *to <= 'Z')
			*to = (char)(*to + ('a' - 'A'));
	return true;
}

static void
parameters(struct scan *s, struct content_type *ct)
{
	while (s->b.n > 0) {
		char other[256];
		struct bytes attribute;

		/* What is no parameter takes none behind it along. */
		if (!at(s, ';')) {
			if (at(s, '"'))
				IGNORE(value(s, other, sizeof(other), false));
			else
				skip(s, 1);
			skip_blanks(s);
			continue;
		}
		skip(s, 1);
		skip_blanks(s);
		attribute = token(s);
		if (!at(s, '='))
			continue;
		skip(s, 1);
		skip_blanks(s);
		if (bytes_eq_nocase(attribute, "charset")) {
			if (!value(s, ct->charset, sizeof(ct->charset), false))
				ct->charset[0] = '\0';
		} else if (!bytes_eq_nocase(attribute, "boundary"))
			IGNORE(value(
			    s, other, sizeof(other), false)); /* whatever */
		else if (!value(s, ct->boundary, sizeof(ct->boundary), true) ||
			 !str_is_ascii(bytes_str(ct->boundary)))
			ct->boundary[0] = '\0';
	}
}

void
content_type_parse(struct content_type *ret, struct bytes text)
{
	struct content_type ct = { .boundary = "" };
	struct scan s = { text };

	*ret = (struct content_type) { "text", "plain", "", "" };
	skip_blanks(&s);
	if (!name(&s, ct.type, sizeof(ct.type)) || !at(&s, '/'))
		return;
	skip(&s, 1);
	skip_blanks(&s);
	if (!name(&s, ct.subtype, sizeof(ct.subtype)))
		return;
	parameters(&s, &ct);
	*ret = ct;
}

enum content_encoding
content_encoding_parse(struct bytes text)
{
	static const struct {
		const char *name;
		enum content_encoding encoding;
	} rows[] = {
		{ "", CONTENT_7BIT },
		{ "7bit", CONTENT_7BIT },
		{ "7bits", CONTENT_7BIT },
		{ "none", CONTENT_7BIT },
		{ "8bit", CONTENT_8BIT },
		{ "8bits", CONTENT_8BIT },
		{ "eightbit", CONTENT_8BIT },
		{ "8bitmime", CONTENT_8BIT },
		{ "utf8", CONTENT_8BIT },
		{ "binary", CONTENT_BINARY },
		{ "quoted-printable", CONTENT_QP },
		{ "base64", CONTENT_BASE64 },
	};
	struct scan s = { text };
	char plain[16] = "";
	struct bytes word;
	size_t n = 0;

	skip_blanks(&s);
	word = token(&s);
	/* What begins with no word is not what is empty. */
	for (size_t i = word.n == 0 && s.b.n > 0;
	     i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_nocase(word, rows[i].name))
			return rows[i].encoding;
	/* "8-bit", "8 bit": readers take them for what they are meant to be,
	 * while one that is written so is no encoding to anybody
	 * ("base-64"). */
	text = bytes_trim(text);
	for (size_t i = 0; i < text.n && n + 1 < sizeof(plain); i++)
		if (memchr("-_ \"'", text.p[i], 5) == NULL)
			plain[n++] = text.p[i];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].encoding <= CONTENT_BINARY &&
		    bytes_eq_nocase(bytes_of(plain, n), rows[i].name) && n > 0)
			return rows[i].encoding;
	return CONTENT_OTHER;
}
