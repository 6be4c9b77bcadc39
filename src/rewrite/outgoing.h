/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outgoing.h - adapts a message to the account that sends it.
 *
 * Takes the beginning of a stored message until its header is complete and
 * makes the header that goes on the wire: the result is "these bytes instead of
 * the first so many".  The body stays as it is, or goes through the repair
 * (rewrite/repair.h) that outgoing_repair() hands out.  Done at each attempt,
 * so that a message that goes through another account gets that account's
 * identity (rewrite/identity.h).
 *
 * Pure.
 */
#ifndef REWRITE_OUTGOING_H
#define REWRITE_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "rewrite/identity.h"
#include "rewrite/repair.h"

struct outgoing;

struct outgoing *outgoing_new(void);
void outgoing_free(struct outgoing *o);

/* Takes the stored message from its beginning.  False: it has the whole header
 * and needs no more.  An empty piece is the end of the message. */
bool outgoing_put(struct outgoing *o, const void *p, size_t n) MUST_CHECK;

/* The offset of the body in the stored message. */
size_t outgoing_body_at(const struct outgoing *o);
/* Requests a repair: look at the whole body with it before outgoing_finish().
 * Borrowed; it lives as long as o. */
struct repair *outgoing_repair(struct outgoing *o, const struct repair_opts *r);

struct outgoing_opts {
	struct identity_opts identity;
	/* The header may keep its bytes over 127: the client asked for SMTPUTF8
	 * and the server has it. */
	bool may_utf8;
	/* How many equal messages it stands for; 0: none
	 * (rewrite/fold_hash.h). */
	uint32_t nfolded;
	int64_t last_folded_s;
};

/* Applies the policy.  False: the header has no room for the changes, so the
 * message cannot be sent through this account. */
bool outgoing_finish(struct outgoing *o, const char *sender,
    const struct outgoing_opts *opts) MUST_CHECK;

/* After outgoing_finish(), borrowed until outgoing_free(): the bytes that
 * replace the first outgoing_skip() bytes of the stored message.  Empty and 0
 * if nothing changes. */
struct bytes outgoing_head(const struct outgoing *o);
size_t outgoing_skip(const struct outgoing *o);
const struct identity_result *outgoing_identity(const struct outgoing *o);
/* The requested repair if it changes the body; else NULL. */
struct repair *outgoing_mended(const struct outgoing *o);
/* True: the header still has bytes over 127 (RFC 6532). */
bool outgoing_needs_utf8(const struct outgoing *o);

#endif
