/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retry.h - when to try again, and when to give up.
 *
 * The first wait is retry_after, each further one twice as long up to
 * retry_max: with the defaults 1, 2, 4, 8, 16, 32 minutes, then hourly.  Each
 * wait is moved by up to a tenth either way, so that messages that failed
 * together do not come back together.
 *
 * A message's age is the smaller of two: what the wall clock says, and the
 * time the queue has seen pass on a clock that does not jump (R47).  So a wall
 * clock set wrong, or right again, expires nothing.
 *
 * Pure.
 */
#ifndef QUEUE_RETRY_H
#define QUEUE_RETRY_H

#include <stdint.h>

#include "base/rng.h"

struct retry {
	int64_t after_ms; /* the first wait */
	int64_t max_ms; /* the longest */
};

/* The wait in ms after this many attempts (1: the first has just failed). */
int64_t retry_wait_ms(
    const struct retry *r, int attempts, const struct rng *rng);

/* The age in ms.  seen_ms: how long the queue has known the message. */
int64_t retry_age_ms(
    int64_t arrived_wall_ms, int64_t now_wall_ms, int64_t seen_ms);

/* The wait until a time of the wall clock that was written down before a
 * restart: never negative, never longer than the longest wait. */
int64_t retry_resume_ms(
    const struct retry *r, int64_t due_wall_ms, int64_t now_wall_ms);

#endif
