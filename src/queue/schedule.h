/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schedule.h - which messages are due, for each account.
 *
 * A message waits in one of two heaps of its account.  Nothing blocks. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "base/due.h"
#include "queue/entry.h"
#include "queue/race.h"

/* Suspected messages (outbound/pool.h) have a heap of their own, so that they
 * delay no others. */
enum line_kind { LINE_ORDINARY, LINE_SUSPECTS, LINES };
struct line {
	struct due due;
	bool is_woken; /* outbound was, and has not taken all since then */
};

struct account_schedule {
	struct race_times times; /* of a delivery, from its claim to its end */
	struct line lines[LINES];
	char *suspect; /* the sender of the last suspect, or NULL */
};

/* For n accounts, and for the messages that have no account. */
void schedule_init(struct queue *q, int n);
void schedule_clear(struct queue *q);

/* Asks hooks.route() which account e takes; afterwards e is in no heap. */
void entry_route(struct queue *q, struct entry *e, const struct envelope *env);
/* Puts e into the heap of its account, if it waits for its time. */
void entry_wait(struct queue *q, struct entry *e);
void entry_unwait(struct queue *q, struct entry *e);
enum line_kind entry_line(const struct entry *e);
/* Wakes outbound, once until it has taken all; even_again: in any case. */
void queue_wake(
    struct queue *q, int account, enum line_kind kind, bool even_again);
/* Has queue_tick() called soon, which says when it is due next. */
void queue_rescheduled(struct queue *q);

#endif
