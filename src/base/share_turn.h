/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share_turn.h - what a relay knows when it takes its turn at a text that
 * several relays share (store.h, shared_change()).
 */
#ifndef BASE_SHARE_TURN_H
#define BASE_SHARE_TURN_H

#include <stddef.h>
#include <stdint.h>

struct share_turn {
	/* me: the number of this relay; now_ms: the store's clock, since
	 * 1970 */
	int64_t me, now_ms;
	const int64_t *live; /* the running relays, me among them */
	size_t nlive;
};

#endif
