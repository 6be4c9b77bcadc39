/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html.h - writes a page of HTML.
 *
 * Everything outside the format is text from elsewhere, so html() escapes it:
 * there is no other way to put text on a page.
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

/* fmt may have %s, a text in UTF-8, and %lld.  In the text, characters with a
 * meaning in HTML are escaped; invisible characters, and those that reorder
 * text, are shown as \xNN (str_escape()). */
void html(struct html *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A text of several lines, at most max bytes of it. */
void html_lines(struct html *h, const char *text, size_t max);

#endif
