/* SPDX-License-Identifier: GPL-3.0-or-later */
/* asked.h - what other relays want done with messages that are ours.
 *
 * After each beat, and the scan of what it took over, some are fetched and
 * carried out.  Their answers are written with the next look, which follows at
 * once until there are none left.  A message that the queue does not know may
 * have been taken over just now, so that is not said before another scan.
 */
#ifndef QUEUE_ASKED_H
#define QUEUE_ASKED_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct queue;

enum { ASKED_MAX = 20 }; /* in one turn of the loop */

struct asked {
	bool is_running; /* a look; what follows is its thread's */
	struct store_request v[ASKED_MAX];
	/* Not written down yet; STORE_ANSWER_TAKEN: the queue did not know
	 * it. */
	size_t n;
};

/* A scan is over: looks, unless it does already.  Does nothing with a store
 * that is not shared. */
void asked_look(struct queue *q);
#endif
