/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.h - the bytes of one stored message as one server gets them.
 *
 * Puts the account's identity on the header (rewrite/outgoing.h), repairs what
 * this server would refuse (rewrite/repair.h), and reads the rest from its
 * source, piece by piece, as often as it takes.  A body that must be repaired
 * is read twice before the first byte goes out, because its size has to be
 * known exactly.
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
	const struct envelope *env; /* with its size, and what it needs */
	/* All of it, if it is in memory, else NULL: it is read.  Asked each
	 * time, because it may leave the memory. */
	struct bytes (*bytes)(void *ctx);
	int (*read)(void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n,
	    struct err *err);
	void *ctx;
};

struct content_opts {
	struct identity_opts identity;
	bool has_8bitmime, has_smtputf8; /* what the server offers */
};

/* Copies source, not what it names.  -1: it cannot be read, or (ERR_INPUT) it
 * cannot be made fit for this account.  The caller owns *ret. */
int content_new(const struct content_source *source,
    const struct content_opts *opts, struct content **ret, struct err *err);
void content_free(struct content *c);

/* Exactly as many bytes as content_peek() will hand out. */
uint64_t content_size(const struct content *c);
/* Bytes over 127 are in the body, or in the header. */
bool content_is_8bit(const struct content *c);
/* The header goes out with bytes over 127 (RFC 6532). */
bool content_needs_utf8(const struct content *c);
/* Envelope sender, and what was changed; borrowed. */
const struct identity_result *content_identity(const struct content *c);
/* What the repair saw; NULL: there was no need to look. */
const struct repair_seen *content_repair_seen(const struct content *c);
/* The body is re-encoded. */
bool content_is_repaired(const struct content *c);

/* The next bytes, borrowed until content_used(); none: the end. */
int content_peek(struct content *c, struct bytes *ret, struct err *err);
/* With this piece, which was just peeked at, all of it has been handed out. */
bool content_ends_with(const struct content *c, struct bytes piece);
/* n bytes of what was peeked at were taken; the next attempt begins at the
 * first byte again. */
void content_used(struct content *c, size_t n);
void content_rewind(struct content *c);

#endif
