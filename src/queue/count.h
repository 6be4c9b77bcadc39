/* SPDX-License-Identifier: GPL-3.0-or-later */
/* count.h - how many messages there are in each state. */
#ifndef QUEUE_COUNT_H
#define QUEUE_COUNT_H

#include "queue/queue.h"

struct entry;

/* Of one user, or of all. */
struct tally {
	uint32_t uid;
	size_t of[QUEUE_STATE_FAILED + 1];
	struct entry *oldest; /* that has not failed */
};
struct tallies {
	struct tally all;
	struct tally *v; /* of those who have messages, by uid */
	size_t n;
};

enum queue_state entry_state(const struct entry *e);
/* Its state or its place in the listing may have changed. */
void entry_count(struct queue *q, struct entry *e);
/* It is about to leave the listing. */
void entry_uncount(struct queue *q, struct entry *e);
/* The order has: finds the oldest ones anew. */
void counts_sorted(struct queue *q);
void counts_clear(struct queue *q);

#endif
