/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/html.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { PAGE_MAX = 8 * 1024 * 1024, TEXT_MAX = 65536 };

void
html_init(struct html *h)
{
	buf_init(&h->out, PAGE_MAX);
	h->is_full = false;
}

void
html_clear(struct html *h)
{
	buf_clear(&h->out);
}

static void
put_raw(struct html *h, const char *p, size_t n)
{
	h->is_full |= !buf_add(&h->out, p, n);
}

static const char *
entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* The one place where foreign text comes onto a page. */
static void
put_text(struct html *h, struct bytes text)
{
	struct buf shown;
	const char *p;

	buf_init(&shown, 4 * TEXT_MAX);
	IGNORE(
	    str_escape(&shown, text, TEXT_MAX)); /* says itself what it cut */
	for (p = buf_str(&shown); *p != '\0'; p++) {
		const char *entity = entity_of(*p);

		if (entity != NULL)
			put_raw(h, entity, strlen(entity));
		else
			put_raw(h, p, 1);
	}
	buf_clear(&shown);
}

void
html(struct html *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	while (*fmt != '\0') {
		size_t n = strcspn(fmt, "%");

		put_raw(h, fmt, n);
		fmt += n;
		if (strncmp(fmt, "%s", 2) == 0) {
			put_text(h, bytes_str(va_arg(ap, const char *)));
			fmt += 2;
		} else if (strncmp(fmt, "%lld", 4) == 0) {
			h->is_full |= !buf_addi(&h->out, va_arg(ap, long long));
			fmt += 4;
		} else if (*fmt != '\0') {
			abort(); /* a mistake of ours, seen at the first try */
		}
	}
	va_end(ap);
}

void
html_lines(struct html *h, const char *text, size_t max)
{
	struct buf line;

	buf_init(&line, max + 1);
	for (size_t left = max; *text != '\0' && left > 0;) {
		size_t n = strcspn(text, "\n");
		size_t shown = n > 0 && text[n - 1] == '\r' ? n - 1 : n;

		shown = shown < left ? shown : left;
		left -= shown;
		buf_reset(&line);
		IGNORE(buf_add(&line, text, shown)); /* it has room */
		for (size_t i = 0; i < shown; i++)
			if (line.p[line.head + i] == '\t')
				line.p[line.head + i] = ' ';
		put_text(h, buf_bytes(&line));
		put_raw(h, "\n", 1);
		text += n + (text[n] == '\n');
	}
	buf_clear(&line);
}
