/* SPDX-License-Identifier: GPL-3.0-or-later */
/* count.h - how many messages there are in each state, in total and per user.
 *
 * The counts are updated with every change, so no listing has to count.
 * Nothing blocks.
 */
#ifndef QUEUE_COUNT_H
#define QUEUE_COUNT_H

#include "queue/queue.h"

struct entry;

/* The counts of one user, or of all users. */
struct tally {
	uint32_t uid;
	size_t of[QUEUE_STATE_FAILED + 1];
	/* the oldest message that has not failed; borrowed */
	struct entry *oldest;
};
struct tallies {
	struct tally all;
	struct tally *v; /* one for each user who has messages, sorted by uid */
	size_t n;
};

enum queue_state entry_state(const struct entry *e);
/* The state of e, or its place in the listing, may have changed: counts e in
 * its present state. */
void entry_count(struct queue *q, struct entry *e);
/* e is about to leave the listing: takes it out of the counts. */
void entry_uncount(struct queue *q, struct entry *e);
/* The listing has been sorted: finds the oldest messages again. */
void counts_sorted(struct queue *q);
void counts_clear(struct queue *q);

#endif
