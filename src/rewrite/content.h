/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.h - the bytes of one stored message as one server gets them.
 *
 * Puts the account's identity on the header (rewrite/outgoing.h), repairs what
 * this server would refuse (rewrite/repair.h), and reads the rest from its
 * source, piece by piece, as often as necessary.  A body that must be repaired
 * is read twice before the first byte is sent, because its size must be known
 * exactly.
 *
 * Pure, but a source may read the disk.
 */
#ifndef REWRITE_CONTENT_H
#define REWRITE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "rewrite/identity.h"

struct content;
struct envelope;
struct repair_seen;

/* A stored message. */
struct content_source {
	/* with size_bytes, is_8bit, is_long and is_utf8 */
	const struct envelope *env;
	/* The whole message if it is in memory; p is NULL if it must be read.
	 * Asked each time, because the message may be dropped from memory. */
	struct bytes (*bytes)(void *ctx);
	int (*read)(void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n,
	    struct err *err);
	void *ctx;
};

struct content_opts {
	struct identity_opts identity;
	bool has_8bitmime, has_smtputf8; /* what the server offers */
};

/* Copies *source, not what it points to.  -1: the message cannot be read or
 * (ERR_INPUT) cannot be adapted to this account.  The caller owns *ret. */
int content_new(const struct content_source *source,
    const struct content_opts *opts, struct content **ret, struct err *err);
void content_free(struct content *c);

/* The exact number of bytes that content_peek() will return in all. */
uint64_t content_size(const struct content *c);
/* True: the body or the header has bytes over 127. */
bool content_is_8bit(const struct content *c);
/* True: the header is sent with bytes over 127 (RFC 6532). */
bool content_needs_utf8(const struct content *c);
/* The envelope sender, and what was changed; borrowed. */
const struct identity_result *content_identity(const struct content *c);
/* What the repair saw; NULL: the body was not looked at. */
const struct repair_seen *content_repair_seen(const struct content *c);
/* True: the body is re-encoded. */
bool content_is_repaired(const struct content *c);

/* The next bytes, borrowed until content_used(); none: the end.  -1: they
 * cannot be read. */
int content_peek(struct content *c, struct bytes *ret, struct err *err);
/* True: this piece, the result of content_peek(), is the last one. */
bool content_ends_with(const struct content *c, struct bytes piece);
/* n bytes of the piece were used; content_rewind(): begin again with the first
 * byte, for another attempt. */
void content_used(struct content *c, size_t n);
void content_rewind(struct content *c);

#endif
