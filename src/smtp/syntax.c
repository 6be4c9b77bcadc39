/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/syntax.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "smtp/smtp_limits.h"

static bool
is_high(char c)
{
	return (unsigned char)c >= 0x80;
}

/* RFC 5322 3.2.3, and the dot. */
static bool
is_local(char c)
{
	return ascii_is_alnum(c) || is_high(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool
is_label(char c)
{
	return ascii_is_alnum(c) || is_high(c) || c == '-' || c == '_';
}

/* RFC 5321 4.1.3 allows "<" and ">" as well, but then two readers could differ
 * about where the path ends. */
static bool
is_literal(char c)
{
	return c > ' ' && c < 0x7f && strchr("[\\]<>", c) == NULL;
}

bool
syntax_has_control(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (ascii_is_control(b.p[i]))
			return true;
	return false;
}

static void
skip(struct bytes *b, size_t n)
{
	b->p += n;
	b->n -= n;
}

static void
skip_blanks(struct bytes *b)
{
	while (b->n > 0 && ascii_is_wsp(b->p[0]))
		skip(b, 1);
}

static bool
take_char(struct bytes *b, char c)
{
	if (b->n == 0 || b->p[0] != c)
		return false;
	skip(b, 1);
	return true;
}

/* The run of bytes that are of this kind. */
static size_t
take_run(struct bytes *b, bool (*is_kind)(char))
{
	size_t n = 0;

	while (n < b->n && is_kind(b->p[n]))
		n++;
	skip(b, n);
	return n;
}

static bool
take_domain(struct bytes *b)
{
	if (take_run(b, is_label) == 0)
		return false;
	while (take_char(b, '.'))
		if (take_run(b, is_label) == 0)
			return true; /* "example.org." */
	return true;
}

static bool
take_literal(struct bytes *b)
{
	if (!take_char(b, '['))
		return false;
	(void)take_run(b, is_literal); /* qmail bounces come from "#@[]" */
	return take_char(b, ']');
}

/* RFC 5321 4.1.2: DQUOTE *( qtext | "\" printable ) DQUOTE */
static bool
take_quoted(struct bytes *b)
{
	if (!take_char(b, '"'))
		return false;
	while (b->n > 0 && b->p[0] != '"') {
		if (take_char(b, '\\') && b->n == 0)
			return false;
		skip(b, 1);
	}
	return take_char(b, '"');
}

static bool
take_mailbox(struct bytes *b, struct bytes *ret)
{
	struct bytes start = *b;

	if (!take_quoted(b)) {
		*b = start;
		if (take_run(b, is_local) == 0)
			return false;
	}
	if (take_char(b, '@')) {
		bool is_named = b->n > 0 && b->p[0] != '[';

		if (is_named ? !take_domain(b) : !take_literal(b))
			return false;
	}
	*ret = bytes_of(start.p, (size_t)(b->p - start.p));
	/* "user@example.org." loses its dot, "user." keeps it. */
	if (ret->p[ret->n - 1] == '.' && memchr(ret->p, '@', ret->n) != NULL)
		ret->n--;
	return ret->n <= SMTP_PATH_MAX;
}

static bool
take_route(struct bytes *b)
{
	if (b->n == 0 || b->p[0] != '@')
		return true;
	do {
		skip_blanks(b);
		if (!take_char(b, '@') || !take_domain(b))
			return false;
	} while (take_char(b, ','));
	return take_char(b, ':');
}

static bool
take_bracketed(struct bytes *b, struct bytes *ret)
{
	skip_blanks(b);
	if (take_char(b, '>')) {
		*ret = bytes_of(b->p, 0);
		return true;
	}
	if (!take_route(b) || !take_mailbox(b, ret))
		return false;
	skip_blanks(b);
	return take_char(b, '>');
}

bool
syntax_path(struct bytes in, struct syntax_path *ret)
{
	struct syntax_path path;

	if (syntax_has_control(in))
		return false;
	skip_blanks(&in);
	if (take_char(&in, '<') ? !take_bracketed(&in, &path.addr)
				: !take_mailbox(&in, &path.addr))
		return false;
	if (in.n > 0 && !ascii_is_wsp(in.p[0]))
		return false;
	skip_blanks(&in);
	path.is_8bit = !str_is_ascii(path.addr);
	path.is_utf8 = path.is_8bit && str_is_utf8(path.addr);
	path.rest = in;
	*ret = path;
	return true;
}

/* --- parameters ---------------------------------------------------------- */

struct bytes
syntax_word(struct bytes *list)
{
	struct bytes word;

	skip_blanks(list);
	word = bytes_of(list->p, 0);
	while (list->n > 0 && !ascii_is_wsp(list->p[0])) {
		skip(list, 1);
		word.n++;
	}
	skip_blanks(list);
	return word;
}

static bool
is_key(char c)
{
	return ascii_is_alnum(c) || c == '-';
}

static bool
is_value(char c)
{
	return !ascii_is_control(c) && c != ' ' && c != '=';
}

enum syntax_more
syntax_param(struct bytes *list, struct syntax_param *ret)
{
	struct bytes word = syntax_word(list), all = word;
	bool has_value;

	if (word.n == 0)
		return SYNTAX_END;
	ret->key = bytes_of(all.p, take_run(&word, is_key));
	if (ret->key.n == 0 || ret->key.p[0] == '-')
		return SYNTAX_BAD;
	has_value = take_char(&word, '=');
	ret->value = word;
	if (has_value && take_run(&word, is_value) == 0)
		return SYNTAX_BAD;
	return word.n == 0 ? SYNTAX_PARAM : SYNTAX_BAD;
}

bool
syntax_helo(struct bytes in, struct bytes *ret_name)
{
	struct bytes name = syntax_word(&in);

	if (name.n == 0 || name.n > SMTP_DOMAIN_MAX)
		return false;
	*ret_name = name;
	return true;
}
