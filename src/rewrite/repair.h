/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repair.h - re-encodes a body that a provider would refuse.
 *
 *	lines over 998 octets	the part is re-encoded (RFC 5322 2.1.1)
 *	bytes over 127, for a	the part is re-encoded, headers inside are
 *	server without 8BITMIME	treated by rewrite/eightbit.h (RFC 6152 3)
 *
 * The encoding is quoted-printable, or base64 where that is much shorter; the
 * decoded part is unchanged.  A part in an encoding outside MIME becomes base64
 * of its bytes, and X-Original-Content-Transfer-Encoding says what they are.
 * Parts that are encoded badly are repaired.  Text that nobody reads (preamble,
 * epilogue) is wrapped and loses its bytes over 127; where no part follows,
 * because the boundary occurs nowhere, it is the content and becomes text.
 * Sealed parts (rewrite/mime_stream.h) stay as they are: repair_refuses() tells
 * if they are the problem.
 *
 * Two passes, because the header of a part precedes the content that it
 * describes: look at the whole body, then put the whole body again, as often as
 * wanted.
 *
 * Pure.
 */
#ifndef REWRITE_REPAIR_H
#define REWRITE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/header.h"

struct repair;

struct repair_opts {
	bool is_7bit; /* no byte over 127 may be left */
};

/* header: the message's own, borrowed until repair_free(). */
struct repair *repair_new(struct header *header, const struct repair_opts *o);
void repair_free(struct repair *r);

/* First pass: the whole body, in pieces; then repair_looked(). */
void repair_look(struct repair *r, struct bytes body);
void repair_looked(struct repair *r);

/* The result of the first pass. */
struct repair_seen {
	size_t nqp, nbase64, nmended; /* parts */
	bool has_frame; /* something between the parts is changed */
	/* Bytes over 127 remain: in a sealed part, in a multipart inside the
	 * message that has no part, or in an address in the header of an
	 * attached message, which has no other form. */
	bool has_stuck_8bit;
};
const struct repair_seen *repair_seen(const struct repair *r);
bool repair_changes(const struct repair *r); /* the repair changes something */
/* Why the body cannot be repaired, or NULL; static text. */
const char *repair_refuses(const struct repair *r);

/* Adapts the message's header to the repaired body.  Only if repair_changes().
 * False: no room. */
bool repair_header(struct repair *r) MUST_CHECK;

/* Second pass: begin; for each piece of the body put, and pull until nothing
 * comes; end, and pull once more. */
void repair_begin(struct repair *r);
void repair_put(struct repair *r, struct bytes body); /* borrowed meanwhile */
void repair_end(struct repair *r);
/* Borrowed until the next call on r.  Empty: it needs more, or that was all. */
struct bytes repair_pull(struct repair *r);

#endif
