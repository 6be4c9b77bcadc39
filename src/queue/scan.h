/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - what was there at the start. */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include "store/store.h"

struct queue;

struct scan {
	struct store_scan *at; /* NULL: it has not begun, or is done */
	bool is_done;
	int64_t again_ms; /* something could not be read: from the start */
};

/* One slice; false: there is nothing left to scan. */
bool scan_step(struct queue *q);
/* When there is reason to call it after that; INT64_MAX. */
int64_t scan_again_ms(const struct queue *q);
void scan_clear(struct queue *q);

#endif
