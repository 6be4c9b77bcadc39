/* SPDX-License-Identifier: GPL-3.0-or-later */
/* portion.h - what this relay has of an account that it shares with others.
 *
 * Recipients that it may still send to, and connections; and whether it has
 * something to say, so that it needs a turn at what is shared (share.h).  When
 * the store does not answer it goes on with what it has, and with at least one
 * connection.
 *
 * A value without I/O.  Times are of the boot clock.
 */
#ifndef ACCOUNT_PORTION_H
#define ACCOUNT_PORTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/share.h"

struct portion {
	bool is_shared; /* with others; else there are no bounds here */
	bool is_asking; /* a turn is under way */
	bool has_news; /* of other things (account_record.c) */
	uint32_t block; /* what is reserved at a time; 0: no limit */
	uint32_t used; /* since the last turn */
	uint32_t left;
	uint32_t returned; /* by the turn under way */
	int64_t left_until_ms, spent_ms;
	bool wants_more;
	size_t connections, allowed, wanted;
	size_t closing; /* there were so many just now, until */
	int64_t closed_ms;
	int64_t again_ms; /* not before; 0: at once */
};

/* One recipient, now. */
bool portion_may_send(const struct portion *p, int64_t now_ms);
/* Something is due, so more is needed if there is none. */
void portion_want(struct portion *p, int64_t now_ms);
/* n recipients are about to be sent; with less than half of what is reserved
 * left, more is wanted. */
void portion_spend(struct portion *p, uint32_t n, int64_t now_ms);

/* Beside the n that there are. */
bool portion_may_connect(const struct portion *p, size_t n);
/* There are n, and so many are wanted, all in all.  Those that have just closed
 * count for a moment longer, because the provider may still see them. */
void portion_connections(
    struct portion *p, size_t n, size_t wanted, int64_t now_ms);

/* When it needs a turn; INT64_MAX: not for what is here. */
int64_t portion_turn_at(const struct portion *p, int64_t now_ms);
/* Begins a turn: fills in what is here. */
void portion_ask(struct portion *p, struct share_ask *ret, int64_t now_ms);
/* It is over, asked_ms is when it began; it was not taken after all; the store
 * did not answer. */
void portion_told(struct portion *p, const struct share_answer *answer,
    int64_t asked_ms, int64_t now_ms);
void portion_skipped(struct portion *p, const struct share_ask *ask);
void portion_failed(
    struct portion *p, const struct share_ask *ask, int64_t now_ms);

#endif
