/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bounce.h - who is told that a message failed.
 *
 *	sender                              failed         delayed, relayed
 *	real address elsewhere              a DSN          a DSN
 *	bare name, name of this machine     admin's digest nobody
 *	null, or the message is a notice    nobody         nobody
 *
 * NOTIFY= decides first (RFC 3461 4.1).  Nothing answers a notice (R39): not
 * the null sender, not Auto-Submitted: auto-replied, not a report, not a
 * Message-ID of a notice of ours, whichever way it came back.  A cron job's
 * mail (auto-generated) is no notice: its failure matters.
 *
 * Only text; reads no disk.
 */
#ifndef NOTICE_BOUNCE_H
#define NOTICE_BOUNCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "notice/dsn.h"

enum bounce_to { BOUNCE_NOBODY, BOUNCE_SENDER, BOUNCE_ADMIN };

/* header: the message's, or as much as is known of it.  is_local: the sender is
 * a name of this machine, as the caller knows its names. */
enum bounce_to bounce_to(const struct envelope *env, enum dsn_action action,
    struct bytes header, bool is_local);
bool bounce_is_notice(struct bytes header);

#endif
