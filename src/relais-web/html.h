/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html.h - writes a page of HTML.
 *
 * Whatever is not in the format itself is foreign, so html() escapes it: there
 * is no other way for a text to come onto a page.
 */
#ifndef RELAIS_WEB_HTML_H
#define RELAIS_WEB_HTML_H

#include <stdbool.h>

#include "base/buf.h"

struct html {
	struct buf out;
	bool is_full; /* something was left out */
};

void html_init(struct html *h);
void html_clear(struct html *h);

/* fmt has %s, a text in UTF-8, and %lld; nothing else.  In the text, what HTML
 * would understand is written so that it is shown; what a reader cannot see, or
 * what reorders the text beside it, as \xNN (str_escape()). */
void html(struct html *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A text of several lines, at most max bytes of it. */
void html_lines(struct html *h, const char *text, size_t max);

#endif
