/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/msgid.h"

enum { TEXT_WIDTH = 72, VALUE_MAX = 16384 };

void
page_add(struct page *p, const char *s)
{
	if (!buf_adds(p->to, s))
		p->is_full = true;
}

void
page_addf(struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!buf_vaddf(p->to, fmt, ap))
		p->is_full = true;
	va_end(ap);
}

/* The caller frees it. */
static char *
printable(struct bytes text)
{
	char *p = xstrndup(text.p, text.n);

	for (char *c = p; *c != '\0'; c++)
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
	return p;
}

void
page_reply(struct buf *to, const char *said)
{
	buf_init(to, 2 * VALUE_MAX);
	IGNORE(str_add_plain(to, bytes_str(said))); /* cut when full */
}

/* How many bytes of text a line of so many columns takes: whole words, but a
 * longer word is cut, between characters. */
static size_t
cut_line(const char *text, size_t columns)
{
	size_t cut = str_wrap(text, columns), n = 0;

	if (str_width(bytes_of(text, cut)) <= columns)
		return cut;
	for (cut = 0; n < columns; n++)
		do
			cut++;
		while (((unsigned char)text[cut] & 0xc0) == 0x80);
	return cut;
}

/* The caller frees it. */
static char *
in_language(const struct page *p, const char *english)
{
	return p->say != NULL && *english != '\0' ? p->say(english)
						  : xstrdup(english);
}

void
page_line(struct page *p, const char *english)
{
	char *text = in_language(p, english);

	page_addf(p, "%s\r\n", text);
	free(text);
}

void
page_wrap(struct page *p, const char *label, const char *foreign)
{
	char *front = in_language(p, label);
	char *plain = printable(bytes_str(foreign));
	char *whole = in_language(p, plain), *text = whole;
	size_t indent = str_width(bytes_str(front));

	for (bool is_first = true; *text != '\0'; is_first = false) {
		size_t cut = cut_line(text, TEXT_WIDTH - indent);

		page_addf(p, "%*s%s%.*s\r\n", is_first ? 0 : (int)indent, "",
		    is_first ? front : "", (int)cut, text);
		text += cut;
		text += strspn(text, " ");
	}
	free(front);
	free(plain);
	free(whole);
}

void
page_wrapf(struct page *p, const char *label, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, VALUE_MAX);
	va_start(ap, fmt);
	if (!buf_vaddf(&text, fmt, ap))
		p->is_full = true;
	va_end(ap);
	page_wrap(p, label, buf_str(&text));
	buf_clear(&text);
}

void
page_field(struct page *p, const char *name, const char *fmt, ...)
{
	struct buf value;
	va_list ap;
	char *text;

	buf_init(&value, VALUE_MAX);
	va_start(ap, fmt);
	if (!buf_vaddf(&value, fmt, ap))
		p->is_full = true;
	va_end(ap);
	text = printable(buf_bytes(&value));
	buf_clear(&value);
	/* That the buffer is full is noticed by the next who writes. */
	IGNORE(header_fold(p->to, name, bytes_str(text)));
	free(text);
}

void
page_hex(const struct rng *rng, char out[PAGE_HEX_SIZE])
{
	unsigned char bytes[PAGE_HEX_SIZE / 2];

	rng_fill(rng, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* As it is, for an address in UTF-8 is one and has passed addr_is_safe(). */
static void
add_to(struct page *p, const char *addr)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	if (!buf_addf(&value, "<%s>", addr) ||
	    !header_fold(p->to, "To", buf_bytes(&value)))
		p->is_full = true;
	buf_clear(&value);
}

void
page_head(struct page *p, const struct page_head *h)
{
	char mark[sizeof(NOTICE_MARK) + PAGE_HEX_SIZE] = NOTICE_MARK;
	char date[DATE_TEXT_SIZE];
	struct buf id;

	page_hex(h->rng, mark + strlen(NOTICE_MARK));
	buf_init(&id, VALUE_MAX);
	if (!msgid_value(&id, mark, h->hostname, h->from, h->wall_ms))
		p->is_full = true;
	page_field(p, "From", "Mail relay <%s>", h->from);
	add_to(p, h->to);
	page_field(p, "Subject", "%s", h->subject);
	page_field(
	    p, "Date", "%s", date_rfc5322(h->wall_ms, h->utc_offset_s, date));
	page_field(p, "Message-ID", "%s", buf_str(&id));
	buf_clear(&id);
}
