/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - reads at the start, in slices, which messages the store has.
 *
 * A slice blocks on the disk for QUEUE_SLICE_MS at most. */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include "store/store.h"

struct queue;

struct scan {
	struct store_scan *at; /* NULL: it has not begun, or is done */
	bool is_done;
	/* Boot clock: when to scan again from the start, because something
	 * could not be read. */
	int64_t again_ms;
};

/* Reads one slice; false: nothing is left to scan. */
bool scan_step(struct queue *q);
/* After that: when to call scan_step() again (boot clock); INT64_MAX: never. */
int64_t scan_again_ms(const struct queue *q);
void scan_clear(struct queue *q);

#endif
