/* SPDX-License-Identifier: GPL-3.0-or-later */
/* msgid.h - checks a Message-ID, and creates one for a message without one (RFC
 * 5322 3.6.4).
 *
 *	<20260821120305.ID@domain>
 *
 * The moment and the queue id make it unique on this machine, the domain among
 * machines.  Providers and filters distrust ids of "localhost" and the like, so
 * the domain is the first of these that looks public (addr_domain_is_public()):
 *
 *	1. the configured host name;
 *	2. the domain of the sender: of the envelope, or of From where that
 *	   one is a local name;
 *	3. the host name with ".invalid" behind it (RFC 6761 6.4), which claims
 *	   no existing name and collides with nothing real.
 */
#ifndef MAIL_MSGID_H
#define MAIL_MSGID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* Appends an id with its angle brackets.  id may be "" (only the moment is used
 * then); hostname and sender may be NULL.  False: the buffer is full. */
bool msgid_value(struct buf *to, const char *id, const char *hostname,
    const char *sender, int64_t wall_ms) MUST_CHECK;

/* True: value (unfolded) has brackets, an "@" between two parts, and nothing
 * that ends it early.  More is not required, because many ids in use break the
 * grammar and all programs accept them. */
bool msgid_is_fit(struct bytes value) MUST_CHECK;
/* Appends the id that was meant by an unfit value: brackets added or reduced to
 * one pair, blanks beside them removed.  False: no such change makes it fit,
 * and nothing was appended. */
bool msgid_mend(struct buf *to, struct bytes value) MUST_CHECK;

/* Appends the domain alone, for other names of ours. */
bool msgid_domain(
    struct buf *to, const char *hostname, const char *sender) MUST_CHECK;

#endif
