/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drops.h - the messages that sendmail left in the drop folder, from a scan of
 * that folder until the queue has them.
 *
 * The scan runs on a worker thread (JOB_DROPS); opening and reading a file
 * blocks on the disk.  The functions for the caller are in queue.h.
 */
#ifndef QUEUE_DROPS_H
#define QUEUE_DROPS_H

#include "base/list.h"
#include "store/drop_folder.h"

struct queue;

struct drops {
	char (*names)[QID_SIZE]; /* found by the newest scan; owned */
	size_t count, at;
	/* when to scan again (boot clock); INT64_MAX: not by itself */
	int64_t again_ms;
	bool is_scanning;
	void (*done)(void *ctx); /* called when the scan is over; or NULL */
	void *ctx;
	struct list taken; /* files being taken in, struct queue_drop */
	/* Limits the log to a few lines when thousands of files are wrong: when
	 * they were last reported, how many were, and how many were not. */
	int64_t told_ms;
	unsigned ntold, nuntold;
	int64_t stuck_told_ms; /* no line about stuck files before this time */
};

void drops_init(struct queue *q);
void drops_clear(struct queue *q);

#endif
