/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bounce.h - who is told that a message failed, and in what words.
 *
 *	sender                              failed         delayed, relayed
 *	real address elsewhere              a DSN          a DSN
 *	bare name, name of this machine     admin's digest nobody
 *	null, or the message is a notice    nobody         nobody
 *
 * NOTIFY= decides first (RFC 3461 4.1).  Nothing answers a notice (R39): not the
 * null sender, not Auto-Submitted: auto-replied, not a report, not a Message-ID
 * of a notice of ours, whichever way it came back.  A cron job's mail
 * (auto-generated) is no notice: its failure matters.
 *
 * The DSN itself is mail/dsn.h.  Pure.
 */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/rng.h"
#include "mail/dsn.h"
#include "mail/envelope.h"

enum bounce_to { BOUNCE_NOBODY, BOUNCE_SENDER, BOUNCE_ADMIN };

/* header: the message's, or as much as is known of it.  is_local: the sender is
 * a name of this machine, as the caller knows its names. */
enum bounce_to bounce_to(const struct envelope *env, enum dsn_action action,
    struct bytes header, bool is_local);
bool bounce_is_notice(struct bytes header);

/* --- one mail about many messages ----------------------------------------- */

enum { BOUNCE_DIGEST_MAX = 256 * 1024, BOUNCE_LISTED_MAX = 50 };

struct bounce_digest {
	const char *hostname, *from, *to;
	struct bytes list; /* from bounce_list_add() */
	size_t nmessages; /* that failed, in all */
	/* To a sender who has had many notices lately: messages of theirs, and */
	bool is_for_sender;
	size_t ndelayed; /* how many are late, in the list as well, */
	size_t nrelayed; /* or were handed on to a server without DSN */
	int64_t wall_ms;
	int32_t utc_offset_s;
	const struct rng *rng;
};

/* Appends what a person needs to know of one message that failed or is late: when, from whom,
 * to whom, what the server said, cause and remedy where they are known
 * (mail/diagnosis.h).  Lines end with CRLF, printable ASCII only.  False: no
 * room; nothing was appended. */
bool bounce_list_add(struct buf *list, const struct envelope *env,
    enum dsn_action action, int32_t utc_offset_s) MUST_CHECK;
/* Appends the whole mail. */
bool bounce_digest(struct buf *to, const struct bounce_digest *d) MUST_CHECK;

#endif
