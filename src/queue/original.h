/* SPDX-License-Identifier: GPL-3.0-or-later */
/* original.h - what a notice wants to know of the message it is about.
 *
 * A store at the other end of a network is read on a worker thread, one message
 * at a time; the last one waits here until it is asked for again.
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
	int rc; /* if it is here; 0: got is one */
	struct err err;
	struct queue_original got;
};

void original_clear(struct queue *q);

#endif
