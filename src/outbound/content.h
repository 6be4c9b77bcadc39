/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.h - the bytes of one queued message as one account sends them.
 *
 * Puts the account's identity on the header (fixup/outgoing.h) and reads the
 * rest from memory or from the spool, piece by piece, as often as it takes.
 * Reading the spool blocks on the page cache, at worst on the disk.
 */
#ifndef OUTBOUND_CONTENT_H
#define OUTBOUND_CONTENT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "fixup/identity.h"

struct content;
struct queue_delivery;

/* qd must outlive it.  -1: it cannot be read, or (ERR_INPUT) its header has no
 * room for the account's identity.  The caller owns *ret. */
int content_new(struct queue_delivery *qd, const struct identity_opts *opts,
    struct content **ret, struct err *err);
void content_free(struct content *c);

/* Exactly as many bytes as content_peek() will hand out. */
uint64_t content_size(const struct content *c);
/* Envelope sender, and what was changed; borrowed. */
const struct identity_result *content_identity(const struct content *c);

/* The next bytes, borrowed until content_used(); none: the end. */
int content_peek(struct content *c, struct bytes *ret, struct err *err);
void content_used(struct content *c, size_t n);
void content_rewind(struct content *c);

#endif
