/* SPDX-License-Identifier: GPL-3.0-or-later */
/* places.h - a few places for many users, shared fairly.
 *
 * A free place goes to the waiting user who has fewest places; of several such
 * users, to the one who waits longest.  One user has at most PLACES_PER_UID.
 * Any thread may call.
 */
#ifndef RELAIS_WEB_PLACES_H
#define RELAIS_WEB_PLACES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/must.h"

enum { PLACES_MAX = 6, PLACES_PER_UID = PLACES_MAX / 2 };

struct places {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list waiting; /* in order of arrival */
	uint32_t taken[PLACES_MAX]; /* by which user */
	size_t n;
};

void places_init(struct places *p);
/* Waits for a place; false: there was none within wait_s. */
bool places_take(struct places *p, uint32_t uid, int wait_s) MUST_CHECK;
/* Gives back a place that uid has taken. */
void places_leave(struct places *p, uint32_t uid);

#endif
