/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drops.h - the drop folder, as the queue sees it. */
#ifndef QUEUE_DROPS_H
#define QUEUE_DROPS_H

#include "base/list.h"
#include "store/drop_folder.h"

struct queue;

struct drops {
	char (*names)[QID_SIZE]; /* of the newest scan */
	size_t count, at;
	int64_t again_ms; /* boot clock; INT64_MAX: nothing to wait for */
	bool is_scanning;
	void (*done)(void *ctx); /* tells that it is over */
	void *ctx;
	struct list taken; /* struct queue_drop */
	/* Not a line for each of ten thousand. */
	int64_t told_ms;
	unsigned ntold, nuntold;
	int64_t stuck_told_ms; /* not before */
};

void drops_init(struct queue *q);
void drops_clear(struct queue *q);

#endif
