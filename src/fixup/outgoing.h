/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outgoing.h - what is done to a message for the account that sends it.
 *
 * Takes the beginning of a stored message until its header is complete and
 * makes the header that goes on the wire.  The body is not touched and not
 * read: the result is "these bytes instead of the first so many".  Done at
 * each attempt, so that a message that goes through another account gets that
 * account's identity (fixup/identity.h).
 *
 * Pure.
 */
#ifndef FIXUP_OUTGOING_H
#define FIXUP_OUTGOING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "fixup/identity.h"

struct outgoing;

struct outgoing *outgoing_new(void);
void outgoing_free(struct outgoing *o);

/* Takes stored bytes, in order, until it needs no more; false: it has seen the
 * whole header.  An empty piece is the end of the message. */
bool outgoing_put(struct outgoing *o, const void *p, size_t n) MUST_CHECK;

/* Applies the policy.  False: the header has no room for the changes, the
 * message cannot go through this account. */
bool outgoing_finish(struct outgoing *o, const char *sender,
    const struct identity_opts *opts) MUST_CHECK;

/* After outgoing_finish(), borrowed until outgoing_free(): bytes that go in
 * place of the first outgoing_skip() bytes of the stored message.  Both are
 * empty if nothing changes. */
struct bytes outgoing_head(const struct outgoing *o);
size_t outgoing_skip(const struct outgoing *o);
const struct identity_result *outgoing_identity(const struct outgoing *o);

#endif
