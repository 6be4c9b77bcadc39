/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mime_stream.h - finds the parts of a message while it streams by (RFC 2046).
 *
 *	entity    = header [blank line] (leaf / multipart / entity)
 *	multipart = [preamble] 1*(delimiter entity) close-delimiter [epilogue]
 *	delimiter = CRLF "--" boundary *WSP CRLF
 *
 * Put the body of a message in pieces of any size, CRLF line ends; pull events
 * until MIME_MORE.  Every byte put comes out exactly once and in order: in the
 * bytes of an event, or in a header (written by header_write(), then CRLF if
 * header_has_blank()).  The CRLF in front of a delimiter belongs to it.
 *
 * Parts of multipart/signed and multipart/encrypted are sealed: changing one
 * byte would break the signature.  So is what is in message/partial and
 * message/external-body, which must not be encoded.
 *
 * Bounded: MIME_PARTS_DEPTH_MAX, MIME_PARTS_MAX; a message beyond is reported
 * by mime_stream_is_beyond() and what follows comes out as frame.  Linear.
 */
#ifndef REWRITE_MIME_STREAM_H
#define REWRITE_MIME_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "mail/header.h"
#include "mime/content_type.h"

enum { MIME_PARTS_DEPTH_MAX = 32, MIME_PARTS_MAX = 100000 };

enum part_kind { PART_LEAF = 0, PART_MULTIPART, PART_MESSAGE };

struct part {
	enum part_kind kind;
	enum content_encoding encoding;
	bool is_sealed;
	bool is_utf8; /* text that says so */
	bool is_whole; /* a multipart; as a leaf it cannot be taken apart */
	bool is_inner; /* a message inside the message */
	size_t leaf; /* number of this leaf, from 0; leaves only */
};

struct mime_stream;

/* header: the message's own, complete; not kept. */
struct mime_stream *mime_stream_new(const struct header *header);
/* For the same message from its beginning, whatever its header says by now. */
struct mime_stream *mime_stream_again(const struct mime_stream *m);
void mime_stream_free(struct mime_stream *m);
const struct part *mime_stream_top(const struct mime_stream *m);
/* The leaf to which the next bytes belong, as far as is known; or NULL. */
const struct part *mime_stream_leaf(const struct mime_stream *m);

/* Borrowed until all of its events have been pulled. */
void mime_stream_put(struct mime_stream *m, const void *data, size_t n);
void mime_stream_end(struct mime_stream *m); /* then pull the rest */

enum mime_event {
	MIME_MORE = 0, /* wants bytes; after mime_stream_end(): that was all */
	MIME_HEADER, /* a part begins; its header may be changed */
	MIME_BODY, /* bytes of the leaf under way, the top one included */
	MIME_LEAF_END, /* the leaf is over */
	MIME_FRAME /* bytes between parts: delimiters, preamble, epilogue */
};

struct mime_part { /* borrowed until the next call on m */
	const struct part *part; /* under way; HEADER, BODY, LEAF_END */
	struct header *header; /* HEADER */
	struct bytes bytes; /* BODY, FRAME */
	bool is_sealed; /* these bytes are */
};
enum mime_event mime_stream_next(struct mime_stream *m, struct mime_part *ret);

/* The message is a multipart in which no part has begun so far; a sealed one
 * does not count. */
bool mime_stream_is_bare(const struct mime_stream *m);
/* At its end: from now on it is a leaf, for mime_stream_again().  Borrowed. */
const struct part *mime_stream_flatten(struct mime_stream *m);
/* Bytes over 127 are in a multipart without any part: all that it holds, as
 * opposed to text in front of the parts.  A sealed one does not count. */
bool mime_stream_has_bare_8bit(const struct mime_stream *m);

bool mime_stream_is_beyond(const struct mime_stream *m);
/* The longest line so far inside what is sealed, without its CRLF. */
size_t mime_stream_longest_sealed(const struct mime_stream *m);

#endif
