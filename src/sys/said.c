/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/said.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "sys/language.h"

enum {
	ARGS_MAX = 12,
	DEPTH_MAX = 6, /* a sentence in a sentence in ... */
	DEPTH_NONE = 100, /* nothing is translated */
	LETTERS_LEAST = 4, /* of a format, blanks not counted, or it fits too
			    * much */
	SAID_MAX = 16384,
	/* A server may have written a text that fits in a great many ways. */
	STEPS_MAX = 2000,
	/* And of parts, of which each is looked for: each joint doubles
	 * them. */
	FINDS_MAX = 40
};

/* Every format of the catalogue, each with its '\0', an empty one at the end;
 * see po/local.mk.  One string, so that nothing of it is relocated. */
static const char formats[] =
#include "sys/formats.inc"
    "\0";

/* Left to the sentence that said() is at. */
static _Thread_local unsigned finds_left;

struct match {
	const char *format;
	struct bytes args[ARGS_MAX];
	size_t nargs;
	size_t letters; /* of the format itself; more is better */
	unsigned steps; /* that may be taken still */
};

/* --- conversions ---------------------------------------------------------- */

/* The length of a conversion at p, which begins with '%'. */
static size_t
conversion(const char *p)
{
	size_t n = 1;

	while (p[n] != '\0' && strchr("0123456789$.*-+ #hlzjtL", p[n]) != NULL)
		n++;
	return p[n] != '\0' ? n + 1 : n;
}

static bool
is_number(const char *p, size_t n)
{
	return strchr("diuxX", p[n - 1]) != NULL;
}

static size_t
count_letters(const char *format)
{
	size_t n = 0;

	for (const char *p = format; *p != '\0'; p++) {
		if (*p == '%')
			p += conversion(p) - 1;
		else
			n += *p != ' ';
	}
	return n;
}

/* --- matching ------------------------------------------------------------- */

/* Does f describe all of text?  The words in place of conversions go to m. */
static bool
fits(const char *f, const char *text, struct match *m)
{
	size_t n, plain;
	const char *rest;

	plain = strcspn(f, "%");
	if (strncmp(f, text, plain) != 0)
		return false;
	f += plain;
	text += plain;
	if (*f == '\0')
		return *text == '\0';
	n = conversion(f);
	if (f[n - 1] == '%')
		return *text == '%' && fits(f + n, text + 1, m);
	if (m->nargs == ARGS_MAX)
		return false;
	rest = f + n;
	for (const char *end = text;; end++) {
		size_t at = m->nargs;

		if (m->steps == 0)
			return false;
		m->steps--;

		/* Only where what follows can begin. */
		if ((*rest == '%' || *rest == *end) &&
		    (!is_number(f, n) || end > text)) {
			m->args[m->nargs++] = bytes_of(
			    text, (size_t)(end - text));
			if (fits(rest, end, m))
				return true;
			m->nargs = at;
		}
		if (*end == '\0' ||
		    (is_number(f, n) && !ascii_is_digit(*end) && *end != '-'))
			return false;
	}
}

static bool
find_format(const char *text, struct match *best)
{
	best->format = NULL;
	best->letters = LETTERS_LEAST - 1;
	for (const char *f = formats; *f != '\0'; f += strlen(f) + 1) {
		struct match m = { .format = f, .steps = STEPS_MAX };

		/* The cheap question first. */
		if (*f != '%' && *f != *text)
			continue;
		m.letters = count_letters(f);
		if (m.letters > best->letters && fits(f, text, &m))
			*best = m;
	}
	return best->format != NULL;
}

/* --- translating ---------------------------------------------------------- */

static void add_sentence(struct buf *to, const char *text, int depth);

static void
add_bytes(struct buf *to, struct bytes text, int depth)
{
	char *copy = xstrndup(text.p, text.n);

	add_sentence(to, copy, depth);
	free(copy);
}

/* "%2$s" is the second one. */
static size_t
number_of(const char *p, size_t next)
{
	char *end;
	unsigned long n = strtoul(p + 1, &end, 10);

	return *end == '$' && n > 0 ? (size_t)n - 1 : next;
}

static void
fill_in(struct buf *to, const char *format, const struct match *m, int depth)
{
	size_t next = 0;
	bool is_section = false; /* "[%s]": its name stays */

	while (*format != '\0') {
		size_t plain = strcspn(format, "%"), n;

		IGNORE(buf_add(to, format, plain)); /* cut if it is that long */
		if (plain > 0)
			is_section = format[plain - 1] == '[';
		format += plain;
		if (*format == '\0')
			return;
		n = conversion(format);
		if (format[n - 1] == '%') {
			IGNORE(buf_addc(to, '%'));
		} else {
			size_t i = number_of(format, next++);

			if (i < m->nargs)
				add_bytes(to, m->args[i],
				    is_section ? DEPTH_NONE : depth + 1);
		}
		format += n;
	}
}

static char *
said_part(const char *text, size_t n, int depth)
{
	struct buf b;
	char *part = xstrndup(text, n);

	buf_init(&b, SAID_MAX);
	add_sentence(&b, part, depth);
	free(part);
	return buf_steal(&b);
}

/* Two parts and what is between them, which is translated if one of them is:
 * the words of a server stay as they were. */
static bool
add_parts(struct buf *to, const char *text, const char *between,
    const char *translated, int depth)
{
	const char *at = strstr(text, between);
	size_t n = at != NULL ? (size_t)(at - text) : 0;
	char *first, *second;
	bool is_known;

	if (at == NULL)
		return false;
	at += strlen(between);
	first = said_part(text, n, depth + 1);
	second = said_part(at, strlen(at), depth + 1);
	is_known = strncmp(first, text, n) != 0 || first[n] != '\0' ||
		   strcmp(second, at) != 0;
	if (is_known) /* cut if it is that long */
		IGNORE(buf_addf(to, "%s%s%s", first, translated, second));
	free(first);
	free(second);
	return is_known;
}

/* "550 no such user (said by mx.example.net to RCPT)" */
static bool
add_bracketed(struct buf *to, const char *text, int depth)
{
	size_t n = strlen(text);
	const char *at = strrchr(text, '(');

	if (at == NULL || at == text || at[-1] != ' ' || text[n - 1] != ')')
		return false;
	add_bytes(to, bytes_of(text, (size_t)(at - text) - 1), depth + 1);
	IGNORE(buf_adds(to, " ("));
	add_bytes(to, bytes_of(at + 1, n - (size_t)(at - text) - 2), depth + 1);
	IGNORE(buf_addc(to, ')'));
	return true;
}

/* "; set tls = implicit", which some formats get for a "%s" at their end. */
static bool
add_tail(struct buf *to, const char *text, int depth)
{
	const char *at = strstr(text, "; ");

	if (at == NULL || gettext(at) == at)
		return false;
	add_bytes(to, bytes_of(text, (size_t)(at - text)), depth + 1);
	IGNORE(buf_adds(to, gettext(at))); /* cut if it is that long */
	return true;
}

static bool
add_known(struct buf *to, const char *text, const char *translated)
{
	return translated != text && buf_adds(to, translated);
}

static void
add_word(struct buf *to, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	char *copy = xstrdup(text);

	if (digits > 0 && strcmp(text + digits, "d") == 0)
		IGNORE(language_duration(copy) == NULL);
	IGNORE(buf_adds(to, copy)); /* cut if it is that long */
	free(copy);
}

static void
add_sentence(struct buf *to, const char *text, int depth)
{
	struct match m;

	/* A name, a number, an address; only the letter for days is ours. */
	if (depth == DEPTH_NONE || (depth > 0 && strchr(text, ' ') == NULL)) {
		add_word(to, text);
		return;
	}
	if (*text == '\0' || add_known(to, text, gettext(text)) ||
	    add_known(to, text, dgettext("libc", text)))
		return;
	if (depth < DEPTH_MAX && finds_left > 0) {
		finds_left--;
		if (find_format(text, &m)) {
			fill_in(to, gettext(m.format), &m, depth);
			return;
		}
		/* TRANSLATORS: joins two sentences. */
		if (add_tail(to, text, depth) ||
		    add_parts(to, text, "; ", _("; "), depth))
			return;
		if (add_bracketed(to, text, depth) ||
		    add_parts(to, text, ", ", ", ", depth))
			return;
		/* TRANSLATORS: joins an object and what is wrong with it. */
		if (add_parts(to, text, ": ", _(": "), depth))
			return;
	}
	IGNORE(buf_adds(to, text)); /* cut if it is that long */
}

char *
said(const char *english)
{
	struct buf b;

	if (*gettext("") == '\0' || *english == '\0')
		return xstrdup(english);
	buf_init(&b, SAID_MAX);
	finds_left = FINDS_MAX;
	add_sentence(&b, english, 0);
	return buf_steal(&b);
}

static char *
say_as_learnt(const char *english)
{
	locale_t before = uselocale(language_learnt());
	char *text = said(english);

	(void)uselocale(before);
	return text;
}

char *(*said_to_person(void))(const char *english)
{
	return language_learnt() != (locale_t)0 ? say_as_learnt : NULL;
}
