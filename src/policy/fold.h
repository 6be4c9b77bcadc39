/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.h - folds equal messages into one.
 *
 * A policy at the queue's arrival gate (queue/queue.h): if more than max_equal
 * equal messages come within equal_ms, the next one becomes a carrier, and
 * those that follow are folded into it, with a count.  The counts of recent
 * messages are in memory only, so counting starts again after a restart; a
 * carrier and its count are on the disk.
 *
 * Nothing blocks.
 */
#ifndef POLICY_FOLD_H
#define POLICY_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"
#include "queue/queue.h"

struct fold;

struct fold_opts {
	unsigned max_equal; /* 0: none is folded */
	int64_t equal_ms;
};

struct fold *fold_new(const struct clock *clock, const struct rng *rng,
    const struct fold_opts *opts);
/* After the queue was freed. */
void fold_free(struct fold *f);
/* For struct queue_opts; borrows f. */
struct queue_arrival_gate fold_gate(struct fold *f);
/* Sets the queue that has the gate.  Before any message arrives. */
void fold_attach(struct fold *f, struct queue *q);
/* Changes the limits.  Counts stay. */
void fold_set_opts(struct fold *f, const struct fold_opts *opts);

/* The number of carriers, and of messages folded into them; of all users, or of
 * *uid. */
struct fold_totals {
	size_t carriers;
	uint64_t folded;
};
void fold_totals(
    const struct fold *f, const uint32_t *uid, struct fold_totals *ret);

#endif
