/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dsn.h - builds delivery status notifications (RFC 3461, 3464, 6522, 6533).
 *
 * A notice is a complete message (CRLF line ends): its header, a part in plain
 * sentences for people, a part for programs, and the header of the original or
 * all of it.  It must be sent with the null sender, and only if dsn_count()
 * says that it is wanted: a message from the null sender is never answered
 * (R39), and NOTIFY decides for the others.
 *
 * What remote servers said appears in printable ASCII only.
 */
#ifndef NOTICE_DSN_H
#define NOTICE_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/rng.h"
#include "mail/envelope.h"

enum dsn_action {
	DSN_FAILED, /* RCPT_FAILED recipients not yet reported */
	DSN_DELAYED, /* RCPT_WAITING */
	DSN_RELAYED /* RCPT_SENT, and the server sends no notices itself */
};

enum {
	DSN_MAX = 4194304, /* size limit of a notice */
	DSN_RCPTS_MAX = 1000, /* recipients listed; more are counted */
	DSN_HEADER_MAX = 65536, /* of the original's header */
	DSN_FULL_MAX = 1048576 /* a larger original comes back as header only */
};

struct dsn_opts {
	enum dsn_action action;
	const struct envelope *env; /* of the original, with its verdicts */
	const char *hostname; /* Reporting-MTA, and part of our Message-ID */
	const char *from; /* address the notice is from, in its header */
	struct bytes original; /* its header, or all of it, or nothing */
	bool original_is_whole;
	int64_t wall_ms; /* now */
	int32_t utc_offset_s;
	int64_t tried_ms; /* last attempt, wall clock; 0: not known */
	int64_t give_up_ms; /* DSN_DELAYED: wall clock; 0: not known */
	const struct rng *rng; /* for the boundary and the Message-ID */
};

/* How many recipients such a notice would be about; 0: send none. */
size_t dsn_count(const struct envelope *env, enum dsn_action action);
bool dsn_rcpt_wants(const struct rcpt *r, enum dsn_action action);

/* Appends the notice.  *ret_is_8bit: the original in it has bytes over 127, so
 * the notice needs 8BITMIME.  False: no room, and nothing was appended; DSN_MAX
 * is always enough. */
bool dsn_build(
    struct buf *to, const struct dsn_opts *opts, bool *ret_is_8bit) MUST_CHECK;

#endif
