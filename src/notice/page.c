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

void
page_wrap(struct page *p, const char *label, const char *foreign)
{
	size_t width = TEXT_WIDTH - strlen(label);
	int indent = (int)strlen(label);
	char *whole = printable(bytes_str(foreign)), *text = whole;

	while (*text != '\0') {
		size_t cut = strlen(text);

		if (cut > width)
			for (cut = width; cut > 0 && text[cut] != ' '; cut--)
				;
		if (cut == 0)
			cut = width;
		page_addf(p, "%-*s%.*s\r\n", indent, label, (int)cut, text);
		text += cut;
		text += strspn(text, " ");
		label = "";
	}
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
