/* SPDX-License-Identifier: GPL-3.0-or-later */
/* portion.h - this relay's portion of an account that several relays share.
 *
 * The portion is how many recipients this relay may still send to, and how many
 * connections it may have.  It also knows whether the relay has something to
 * say, and so needs a turn at the shared text (share.h).  While the store does
 * not answer, the relay continues with its portion and at least one connection.
 *
 * A value without I/O.  Times are milliseconds of the boot clock.
 */
#ifndef ACCOUNT_PORTION_H
#define ACCOUNT_PORTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/share.h"

struct portion {
	/* shared with other relays; if not, nothing here is limited */
	bool is_shared;
	bool is_asking; /* a turn is in progress */
	bool has_news; /* about other things (account_record.c) */
	uint32_t block; /* recipients reserved at a time; 0: no limit */
	uint32_t used; /* recipients since the last turn */
	uint32_t left;
	uint32_t returned; /* given back by the turn in progress */
	int64_t left_until_ms, spent_ms;
	bool wants_more;
	size_t connections, allowed, wanted;
	size_t closing; /* connections that closed a moment ago, and */
	int64_t closed_ms;
	int64_t again_ms; /* no turn before this; 0: at once */
};

/* True: one more recipient may be sent to now. */
bool portion_may_send(const struct portion *p, int64_t now_ms);
/* Something is due: a turn is needed if nothing is left. */
void portion_want(struct portion *p, int64_t now_ms);
/* n recipients are about to be sent to.  With less than half of a block left,
 * more is asked for. */
void portion_spend(struct portion *p, uint32_t n, int64_t now_ms);

/* True: one more connection may be opened besides the existing n. */
bool portion_may_connect(const struct portion *p, size_t n);
/* Reports that n connections exist and how many are wanted in all.  Connections
 * that have just closed count for a moment longer, because the provider may
 * still see them. */
void portion_connections(
    struct portion *p, size_t n, size_t wanted, int64_t now_ms);

/* When the portion needs a turn; INT64_MAX: it needs none. */
int64_t portion_turn_at(const struct portion *p, int64_t now_ms);
/* Begins a turn: fills in the portion's part of *ret. */
void portion_ask(struct portion *p, struct share_ask *ret, int64_t now_ms);
/* Ends a turn.  _told: the answer, to a turn that began at asked_ms.  _skipped:
 * the turn was not taken after all.  _failed: the store did not answer. */
void portion_told(struct portion *p, const struct share_answer *answer,
    int64_t asked_ms, int64_t now_ms);
void portion_skipped(struct portion *p, const struct share_ask *ask);
void portion_failed(
    struct portion *p, const struct share_ask *ask, int64_t now_ms);

#endif
