/* SPDX-License-Identifier: GPL-3.0-or-later */
/* removal.h - removes the files of finished messages in the background.
 *
 * A file is added when its journal says that the message is finished, so a
 * crash before the removal sends nothing again.  Jobs on worker threads remove
 * files in batches; all that was removed within sync_results_ms is synced once.
 * If files are finished faster than the disk removes them, removals_are_full()
 * stops deliveries.
 *
 * Nothing blocks; trouble is reported by queue_trouble().  Times are of the
 * boot clock.
 */
#ifndef QUEUE_REMOVAL_H
#define QUEUE_REMOVAL_H

#include "queue/job.h"

/* The files that are still to be removed. */
struct removals {
	/* In no job yet. */
	struct files waiting;
	size_t under_way; /* files that running jobs remove */
	/* How many run. */
	unsigned jobs;
	/* See removals_are_full(). */
	bool is_full;
	/* when the next job begins, however few files wait */
	int64_t start_at_ms;
	/* when to sync; 0: all is synced, or being synced */
	int64_t sync_at_ms;
	bool is_syncing;
	int64_t away_until_ms; /* a remote store failed: no job before then */
	/* begin no job after this; 0: the queue is not closing */
	int64_t close_by_ms;
};

/* Adds a file.  Copies id. */
void removal_add(struct queue *q, enum store_place place, const char *id);
/* True: so many files wait that no more messages should be delivered now. */
bool removals_are_full(const struct queue *q);
/* Begins the jobs that are due.  Returns when to call again; INT64_MAX: only
 * after another event. */
int64_t removals_tick(struct queue *q);
/* The queue is closing: files are removed for two more seconds.  The next start
 * removes the others. */
void removals_close(struct queue *q);
/* Frees the list and syncs what was removed.  Only when no job runs. */
void removals_clear(struct queue *q);

#endif
