/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recode.h - changes the transfer encoding of a part while it streams by (RFC
 * 2045 6).
 *
 * The decoded result equals the input byte for byte; its encoded lines have at
 * most 76 octets, all ASCII.  The two repairing modes take a part that is
 * encoded badly: lines too long, bytes over 127.
 *
 * A value without allocation.
 */
#ifndef REWRITE_RECODE_H
#define REWRITE_RECODE_H

#include <stddef.h>

#include "base/buf.h"

enum recode_how {
	RECODE_KEEP = 0, /* as it is */
	RECODE_QP,
	RECODE_BASE64,
	RECODE_MEND_QP,
	RECODE_MEND_BASE64
};

struct recode {
	enum recode_how how;
	size_t column;
	char line[57]; /* base64: bytes that wait for their line to be full;
			* QP that is mended: blanks that may end theirs */
	size_t nline;
	/* QP: a blank that must be encoded at the end of a line; or NUL */
	char blank;
	bool has_cr; /* QP: a line end if LF follows */
	int hex_left; /* digits of "=XX" that must stay on the line */
};

void recode_init(struct recode *r, enum recode_how how);

/* The room in out that n bytes of input may need. */
#define RECODE_ROOM(n) (5 * (n) + 16)

/* Appends to out, which has RECODE_ROOM(b.n) of room. */
void recode_put(struct recode *r, struct bytes b, struct buf *out);
/* The part is complete.  Adds no line end. */
void recode_end(struct recode *r, struct buf *out);

#endif
