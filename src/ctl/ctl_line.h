/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_line.h - the framing of the control protocol: one JSON object per line.
 *
 *	request = { "verb": NAME, "args": { ... } } LF
 *	line    = { "line": TEXT } LF            ; of a client that was asked
 *	reply   = *( { "item": VALUE } LF )
 *	          ( { "ok": true, "result": VALUE } LF
 *	          / { "ok": false, "error": SENTENCE } LF )
 *
 * A connection carries any number of requests, answered in order.  Listings are
 * sent as items, so that neither side holds a long one as a whole.  A line that
 * exceeds the maximum ends the connection.
 *
 * Takes bytes, returns lines; no I/O.
 */
#ifndef CTL_CTL_LINE_H
#define CTL_CTL_LINE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

enum {
	CTL_REQUEST_MAX = 65536, /* a line from a client */
	CTL_REPLY_MAX = 16 * 1024 * 1024 /* a line from the daemon */
};

struct ctl_line {
	struct buf in;
	size_t seen; /* bytes known to hold no LF */
	size_t given; /* bytes of the line handed out last */
};

void ctl_line_init(struct ctl_line *l, size_t max);
void ctl_line_clear(struct ctl_line *l);

/* Takes as many bytes as there is room for, and returns how many.  Invalidates
 * the line that was returned last. */
size_t ctl_line_put(struct ctl_line *l, const void *p, size_t n) MUST_CHECK;

enum ctl_line_state {
	CTL_LINE_MORE, /* needs more bytes */
	/* *ret_line is set, without its end, until the next call */
	CTL_LINE_READY,
	CTL_LINE_TOO_LONG /* for good */
};
enum ctl_line_state ctl_line_next(struct ctl_line *l, struct bytes *ret_line);

#endif
