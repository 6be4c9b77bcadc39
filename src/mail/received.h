/* SPDX-License-Identifier: GPL-3.0-or-later */
/* received.h - writes our Received field (RFC 5321 4.4).
 *
 *	Received: from laptop ([127.0.0.1]) (user alice, uid 1000)
 *	 by host.example.org (relais) with ESMTP id X
 *	 for <bob@example.org>; Fri, 21 Aug 2026 14:03:05 +0200
 *	Received: from alice by host.example.org (relais, userid 1000)
 *	 with local id X; Fri, 21 Aug 2026 14:03:05 +0200
 *
 * The second form is for mail from a Unix socket or the drop folder.  The field
 * is valid whatever HELO or the login name contain: characters that are not
 * allowed in a name become "?" (R14).  FOR names the recipient only if there is
 * exactly one, so that no recipient learns of another.
 */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/envelope.h"

struct received_opts {
	const struct envelope *env; /* id, helo, peer, user, uid, rcpts */
	const char *hostname;
	const char *with; /* "ESMTP", "local", ...; NULL: left out */
	int64_t wall_ms;
	int32_t utc_offset_s;
	bool hide_submitter; /* leave out user, peer and HELO */
};

/* Appends the value, unfolded, without "Received:".  False: buffer full. */
bool received_value(
    struct buf *to, const struct received_opts *opts) MUST_CHECK;

#endif
