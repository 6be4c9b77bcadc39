/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drops.h - the messages that sendmail left in the drop folder, from a scan of
 * that folder on a worker thread until the queue has them. */
#ifndef QUEUE_DROPS_H
#define QUEUE_DROPS_H

#include "base/list.h"
#include "store/drop_folder.h"

struct queue;

struct drops {
	char (*names)[QID_SIZE]; /* of the newest scan */
	size_t count, at;
	int64_t again_ms; /* next scan (boot clock); INT64_MAX: none is due */
	bool is_scanning;
	void (*done)(void *ctx); /* the scan is over */
	void *ctx;
	struct list taken; /* struct queue_drop */
	/* Limits the log to a few lines when thousands of files are wrong. */
	int64_t told_ms;
	unsigned ntold, nuntold;
	int64_t stuck_told_ms; /* no further line about stuck files before */
};

void drops_init(struct queue *q);
void drops_clear(struct queue *q);

#endif
