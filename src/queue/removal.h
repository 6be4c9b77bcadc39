/* SPDX-License-Identifier: GPL-3.0-or-later */
/* removal.h - what is finished goes away. */
#ifndef QUEUE_REMOVAL_H
#define QUEUE_REMOVAL_H

#include "queue/job.h"

/* What is finished and still has a file. */
struct removals {
	struct files waiting;
	size_t under_way; /* of jobs */
	unsigned jobs;
	bool is_full;
	int64_t start_at_ms; /* of a job for those that wait, however few */
	int64_t sync_at_ms; /* 0: all is synced, or being synced */
	bool is_syncing;
	int64_t away_until_ms; /* a remote store: what failed is tried then */
	int64_t close_by_ms; /* while the queue closes; 0: it does not */
};

/* Its file is removed in the background. */
void removal_add(struct queue *q, enum store_place place, const char *id);
/* The disk is slow: what is delivered now would only wait to be removed. */
bool removals_are_full(const struct queue *q);
/* Removes and syncs if it is time to; when it will be, INT64_MAX: never. */
int64_t removals_tick(struct queue *q);
/* The queue is being closed: what takes too long is left to the next scan. */
void removals_close(struct queue *q);
/* All jobs are back. */
void removals_clear(struct queue *q);

#endif
