/* SPDX-License-Identifier: GPL-3.0-or-later */
/* asked.h - what other relays want done with messages that are ours.
 *
 * After each beat some are fetched and carried out.  Their answers are written
 * with the next look, which follows at once until there are none left.
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
	size_t n; /* done, and not written down yet */
};

/* Looks, unless it does already.  Does nothing with a store that is not shared. */
void asked_look(struct queue *q);
#endif
