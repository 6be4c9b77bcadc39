/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share_turn.h - the relays that share a store, as one of them finds them when
 * it takes its turn at what they have in common.
 */
#ifndef BASE_SHARE_TURN_H
#define BASE_SHARE_TURN_H

#include <stddef.h>
#include <stdint.h>

struct share_turn {
	int64_t me, now_ms; /* the store's clock, since 1970 */
	const int64_t *live; /* the relays that live, me among them */
	size_t nlive;
};

#endif
