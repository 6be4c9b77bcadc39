/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.h - equal mails become one.
 *
 * A policy at the queue's arrival gate (queue/queue.h): of more than max_equal
 * equal messages within equal_ms, those that follow are folded into one, with a
 * count.  Counts live in memory: after a restart counting begins anew, while a
 * carrier and what it carries are on the disk.
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
/* After the queue. */
void fold_free(struct fold *f);
/* For struct queue_opts; borrows f. */
struct queue_arrival_gate fold_gate(struct fold *f);
/* The queue that has the gate; before any message comes. */
void fold_attach(struct fold *f, struct queue *q);
/* From now on; what was counted stays. */
void fold_set_opts(struct fold *f, const struct fold_opts *opts);

/* Messages that equal ones are being folded into, and how many have been; of
 * all users or of one. */
struct fold_totals {
	size_t carriers;
	uint64_t folded;
};
void fold_totals(
    const struct fold *f, const uint32_t *uid, struct fold_totals *ret);

#endif
