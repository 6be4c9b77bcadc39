/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.h - the parts of a message while it streams by (RFC 2046).
 *
 *	entity    = header [blank line] (leaf / multipart / entity)
 *	multipart = [preamble] 1*(delimiter entity) close-delimiter [epilogue]
 *	delimiter = CRLF "--" boundary *WSP CRLF
 *
 * Put the body of a message in pieces of any size, CRLF line ends; pull events
 * until PARTS_MORE.  Every byte put comes out exactly once and in order: in the
 * bytes of an event, or in a header (written by header_write(), then CRLF if
 * header_has_blank()).  The CRLF in front of a delimiter belongs to it.
 *
 * Parts of multipart/signed and multipart/encrypted are sealed: one byte
 * changed in there and the signature is worth nothing.
 *
 * Bounded: PARTS_DEPTH_MAX, PARTS_MAX; a message beyond is reported by
 * parts_is_beyond() and what follows comes out as frame.  Linear.
 */
#ifndef MAIL_PARTS_H
#define MAIL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "mail/content_type.h"
#include "mail/header.h"

enum { PARTS_DEPTH_MAX = 32, PARTS_MAX = 100000 };

enum part_kind { PART_LEAF = 0, PART_MULTIPART, PART_MESSAGE };

struct part {
	enum part_kind kind;
	enum content_encoding encoding;
	bool is_sealed;
	bool is_utf8; /* text that says so */
	bool is_inner; /* a message inside the message */
	size_t leaf; /* number of this leaf, from 0; leaves only */
};

struct parts;

/* header: the message's own, complete; not kept. */
struct parts *parts_new(const struct header *header);
/* For the same message from its beginning, whatever its header says by now. */
struct parts *parts_again(const struct parts *p);
void parts_free(struct parts *p);
const struct part *parts_top(const struct parts *p);
/* The leaf to which the next bytes belong, as far as is known; or NULL. */
const struct part *parts_leaf(const struct parts *p);

/* Borrowed until all of its events have been pulled. */
void parts_put(struct parts *p, const void *data, size_t n);
void parts_end(struct parts *p); /* then pull the rest */

enum parts_event {
	PARTS_MORE = 0, /* wants bytes; after parts_end(): that was all */
	PARTS_HEADER, /* a part begins; its header may be changed */
	PARTS_BODY, /* bytes of the leaf under way, the top one included */
	PARTS_LEAF_END, /* the leaf is over */
	PARTS_FRAME /* bytes between parts: delimiters, preamble, epilogue */
};

struct parts_info { /* borrowed until the next call on p */
	const struct part *part; /* under way; HEADER, BODY, LEAF_END */
	struct header *header; /* HEADER */
	struct bytes bytes; /* BODY, FRAME */
	bool is_sealed; /* these bytes are */
};
enum parts_event parts_next(struct parts *p, struct parts_info *ret);

bool parts_is_beyond(const struct parts *p);
/* The longest line so far inside what is sealed, without its CRLF. */
size_t parts_longest_sealed(const struct parts *p);

#endif
