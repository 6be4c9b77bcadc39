/* SPDX-License-Identifier: GPL-3.0-or-later */
/* original.h - reads a message for a notice about it (queue_original()).
 *
 * A local store is read at once, which blocks on the disk.  A remote store is
 * read by a job on a worker thread, one message at a time; the newest result is
 * kept until it is asked for again.
 */
#ifndef QUEUE_ORIGINAL_H
#define QUEUE_ORIGINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "queue/queue.h"
#include "store/store.h"

struct original {
	bool is_running, is_here;
	enum store_place place; /* what was asked for */
	char id[QID_SIZE];
	size_t max_bytes;
	int rc; /* the result if is_here; 0: got is set */
	struct err err;
	struct queue_original got;
};

/* Frees the result. */
void original_clear(struct queue *q);

#endif
