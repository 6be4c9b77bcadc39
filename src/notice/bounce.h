/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bounce.h - decides who is told that a message failed.
 *
 *	sender                              failed         delayed, relayed
 *	real address elsewhere              a DSN          a DSN
 *	bare name, name of this machine     admin's digest nobody
 *	null, or the message is a notice    nobody         nobody
 *
 * NOTIFY= decides first (RFC 3461 4.1).  A notice is never answered with a
 * notice (R39).  Notices are recognised by the null sender, Auto-Submitted:
 * auto-replied, the content type of a report, or a Message-ID of our own
 * notices.  Mail of a cron job (auto-generated) is not a notice, so its failure
 * is reported.
 *
 * Pure.
 */
#ifndef NOTICE_BOUNCE_H
#define NOTICE_BOUNCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "notice/dsn.h"

enum bounce_to { BOUNCE_NOBODY, BOUNCE_SENDER, BOUNCE_ADMIN };

/* header: the header of the message, or as much of it as is known.  is_local:
 * the sender is a name of this machine. */
enum bounce_to bounce_to(const struct envelope *env, enum dsn_action action,
    struct bytes header, bool is_local);
bool bounce_is_notice(struct bytes header);

#endif
