/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carry.h - what an account has spent goes along when its relay begins to share
 * the queue, or to have it alone again.
 *
 * A relay that is alone keeps the counts in its spool; relays that share a
 * queue keep them in what they have in common (share.h).
 */
#ifndef ACCOUNT_CARRY_H
#define ACCOUNT_CARRY_H

#include "base/clock.h"
#include "base/err.h"
#include "base/must.h"

struct store;

/* Adds what the spool of s says to what all have spent, and forgets it there.
 * A crash in between: it counts twice, so no limit is exceeded.  Blocks.  -1:
 * it is still to be done. */
int carry_spent(struct store *s, const char *account, const struct clock *clock,
    struct err *err) MUST_CHECK;
/* The other way, when no relay runs. */
int carry_spent_back(struct store *s, const char *account,
    const struct clock *clock, struct err *err) MUST_CHECK;

#endif
