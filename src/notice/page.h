/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.h - writes the header fields and the paragraphs of a notice.
 *
 * Lines end with CRLF.  Text is foreign: what is not printable ASCII is "?";
 * only translations have more.  A full buffer ends the work, but is asked about
 * only once, at the end.
 */
#ifndef NOTICE_PAGE_H
#define NOTICE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"

struct page {
	struct buf *to;
	bool is_full; /* the buffer */
	/* Paragraphs in another language, in UTF-8, which the caller frees;
	 * NULL: English. */
	char *(*say)(const char *english);
};

/* As it is, line ends included. */
void page_add(struct page *p, const char *s);
void page_addf(struct page *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A line as it is, in the language of the page. */
void page_line(struct page *p, const char *english);
/* A paragraph: the label, then the text in lines of 72 columns, broken at
 * blanks if there are any; further lines are indented as far. */
void page_wrap(struct page *p, const char *label, const char *text);
void page_wrapf(struct page *p, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a server said, in ASCII as far as that can be read; the caller clears
 * to. */
void page_reply(struct buf *to, const char *said);

/* A value that no line can hold is left out. */
void page_field(struct page *p, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Starts the part of a Message-ID of ours that is not the date, so that a
 * notice that comes round again is known by it (R39). */
#define NOTICE_MARK "notice-"

/* From, To, Subject, Date and Message-ID. */
struct page_head {
	const char *hostname, *from, *to, *subject;
	int64_t wall_ms;
	int32_t utc_offset_s;
	const struct rng *rng;
};
void page_head(struct page *p, const struct page_head *h);

/* Random, for a boundary or an id. */
enum { PAGE_HEX_SIZE = 25 };
void page_hex(const struct rng *rng, char out[PAGE_HEX_SIZE]);

#endif
