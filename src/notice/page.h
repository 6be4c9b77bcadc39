/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.h - writes the header fields and the paragraphs of a notice.
 *
 * Lines end with CRLF.  Text may come from anywhere: bytes that are not
 * printable ASCII become "?", except in translations.  A full buffer stops the
 * writing; is_full need only be checked at the end.
 */
#ifndef NOTICE_PAGE_H
#define NOTICE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"

struct page {
	struct buf *to;
	bool is_full; /* the buffer was full */
	/* Returns a translation in UTF-8, which the caller frees; NULL:
	 * English. */
	char *(*say)(const char *english);
};

/* Adds text as it is, line ends included. */
void page_add(struct page *p, const char *s);
void page_addf(struct page *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds one line, translated. */
void page_line(struct page *p, const char *english);
/* Adds a paragraph: the label, then the text in lines of 72 columns, broken at
 * blanks where there are any.  Further lines are indented like the first. */
void page_wrap(struct page *p, const char *label, const char *text);
void page_wrapf(struct page *p, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends a server's reply in ASCII, as far as it can be represented.  The
 * caller clears to. */
void page_reply(struct buf *to, const char *said);

/* Adds a header field.  A value with a word that no line can hold is left
 * out. */
void page_field(struct page *p, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The first part of the Message-ID of a notice, after the date, so that a
 * notice that comes back is recognised (R39). */
#define NOTICE_MARK "notice-"

/* From, To, Subject, Date and Message-ID. */
struct page_head {
	const char *hostname, *from, *to, *subject;
	int64_t wall_ms;
	int32_t utc_offset_s;
	const struct rng *rng;
};
void page_head(struct page *p, const struct page_head *h);

/* Random hexadecimal digits, for a boundary or an id. */
enum { PAGE_HEX_SIZE = 25 };
void page_hex(const struct rng *rng, char out[PAGE_HEX_SIZE]);

#endif
