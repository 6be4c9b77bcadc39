/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reservation.h - this relay's reservation of an account that several relays
 * share.
 *
 * The reservation is how many recipients this relay may still send to, and how
 * many connections it may have.  It also knows whether the relay has something
 * to say, and so needs a turn at the shared text (share.h).  While the store
 * does not answer, the relay continues with its reservation and at least one
 * connection.
 *
 * A value without I/O.  Times are milliseconds of the boot clock.
 */
#ifndef ACCOUNT_RESERVATION_H
#define ACCOUNT_RESERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/share.h"

struct reservation {
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
bool reservation_may_send(const struct reservation *p, int64_t now_ms);
/* Something is due: a turn is needed if nothing is left. */
void reservation_want(struct reservation *p, int64_t now_ms);
/* n recipients are about to be sent to.  With less than half of a block left,
 * more is asked for. */
void reservation_spend(struct reservation *p, uint32_t n, int64_t now_ms);

/* True: one more connection may be opened besides the existing n. */
bool reservation_may_connect(const struct reservation *p, size_t n);
/* Reports that n connections exist and how many are wanted in all.  Connections
 * that have just closed count for a moment longer, because the provider may
 * still see them. */
void reservation_connections(
    struct reservation *p, size_t n, size_t wanted, int64_t now_ms);

/* When the reservation needs a turn; INT64_MAX: it needs none. */
int64_t reservation_turn_at(const struct reservation *p, int64_t now_ms);
/* Begins a turn: fills in the reservation's part of *ret. */
void reservation_ask(
    struct reservation *p, struct share_ask *ret, int64_t now_ms);
/* Ends a turn.  _told: the answer, to a turn that began at asked_ms.  _skipped:
 * the turn was not taken after all.  _failed: the store did not answer. */
void reservation_told(struct reservation *p, const struct share_answer *answer,
    int64_t asked_ms, int64_t now_ms);
void reservation_skipped(struct reservation *p, const struct share_ask *ask);
void reservation_failed(
    struct reservation *p, const struct share_ask *ask, int64_t now_ms);

#endif
