/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carry.h - takes the spent limits of an account along when its relay begins or
 * ends to share the queue.
 *
 * A relay that is alone keeps the counts in its spool; relays that share a
 * queue keep them in the store (share.h).
 */
#ifndef ACCOUNT_CARRY_H
#define ACCOUNT_CARRY_H

#include "base/clock.h"
#include "base/err.h"
#include "base/must.h"

struct store;

/* Adds the counts in the spool of s to the shared counts, and removes them from
 * the spool.  After a crash in between they count twice, so no limit is
 * exceeded.  Blocks.  -1: still to be done. */
int carry_spent(struct store *s, const char *account, const struct clock *clock,
    struct err *err) MUST_CHECK;
/* The reverse.  Only when no relay runs. */
int carry_spent_back(struct store *s, const char *account,
    const struct clock *clock, struct err *err) MUST_CHECK;

#endif
