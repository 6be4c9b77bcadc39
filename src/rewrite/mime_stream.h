/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mime_stream.h - finds the parts of a message while it streams by (RFC 2046).
 *
 *	entity    = header [blank line] (leaf / multipart / entity)
 *	multipart = [preamble] 1*(delimiter entity) close-delimiter [epilogue]
 *	delimiter = CRLF "--" boundary *WSP CRLF
 *
 * Put the body of a message in pieces of any size, with CRLF line ends; pull
 * events until MIME_MORE.  Every byte comes out exactly once and in order: in
 * the bytes of an event, or in a header (written by header_write(), then CRLF
 * if header_has_blank()).  The CRLF in front of a delimiter belongs to the
 * delimiter.
 *
 * Parts of multipart/signed and multipart/encrypted are sealed: changing one
 * byte would break the signature.  So is the content of message/partial and
 * message/external-body, which must not be encoded.
 *
 * Bounded by MIME_PARTS_DEPTH_MAX and MIME_PARTS_MAX; if a message exceeds
 * them, mime_stream_is_beyond() is true and the rest comes out as frame.
 * Linear.  No I/O.
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
	bool is_utf8; /* text that says it is UTF-8 */
	bool is_whole; /* a multipart that is treated as a leaf */
	bool is_inner; /* a message inside the message */
	size_t leaf; /* number of this leaf, from 0; leaves only */
};

struct mime_stream;

/* header: the complete header of the message; not kept. */
struct mime_stream *mime_stream_new(const struct header *header);
/* For a second pass over the same message from its beginning, whatever its
 * header says by now. */
struct mime_stream *mime_stream_again(const struct mime_stream *m);
void mime_stream_free(struct mime_stream *m);
const struct part *mime_stream_top(const struct mime_stream *m);
/* The leaf that the next bytes belong to, as far as is known; or NULL. */
const struct part *mime_stream_leaf(const struct mime_stream *m);

/* Borrowed until all of its events have been pulled. */
void mime_stream_put(struct mime_stream *m, const void *data, size_t n);
/* the body is complete; pull the rest */
void mime_stream_end(struct mime_stream *m);

enum mime_event {
	MIME_MORE = 0, /* needs more bytes; after mime_stream_end(): the end */
	MIME_HEADER, /* a part begins; its header may be changed */
	MIME_BODY, /* bytes of the leaf under way, the top one included */
	MIME_LEAF_END, /* the leaf is over */
	MIME_FRAME /* bytes between parts: delimiters, preamble, epilogue */
};

struct mime_part { /* borrowed until the next call on m */
	const struct part *part; /* the present part; HEADER, BODY, LEAF_END */
	struct header *header; /* HEADER */
	struct bytes bytes; /* BODY, FRAME */
	bool is_sealed; /* these bytes must not be changed */
};
enum mime_event mime_stream_next(struct mime_stream *m, struct mime_part *ret);

/* True: the message is an unsealed multipart in which no part has begun so
 * far. */
bool mime_stream_is_bare(const struct mime_stream *m);
/* At the end of the message: treats it as a leaf from now on, for
 * mime_stream_again().  Borrowed. */
const struct part *mime_stream_flatten(struct mime_stream *m);
/* True: an unsealed multipart without any part has bytes over 127; they are its
 * whole content, as opposed to text in front of parts. */
bool mime_stream_has_bare_8bit(const struct mime_stream *m);

bool mime_stream_is_beyond(const struct mime_stream *m);
/* The longest line so far inside what is sealed, without its CRLF. */
size_t mime_stream_longest_sealed(const struct mime_stream *m);

#endif
