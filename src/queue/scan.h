/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - reads, in slices, which messages the store has, at the start and
 * after a remote store gave us more.
 *
 * A slice blocks on the disk for QUEUE_SLICE_MS at most.
 */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include "store/store.h"

struct queue;

struct scan {
	struct store_scan *at; /* NULL: not begun, or done */
	bool is_done;
	/* When to scan again from the start (boot clock), because something
	 * could not be read or a remote store has more; 0: not. */
	int64_t again_ms;
};

/* Reads one slice.  False: nothing is left to scan. */
bool scan_step(struct queue *q);
/* When to call scan_step() again (boot clock); INT64_MAX: never. */
int64_t scan_again_ms(const struct queue *q);
void scan_clear(struct queue *q);

#endif
