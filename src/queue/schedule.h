/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schedule.h - keeps the messages that wait, and knows which of them are due.
 *
 * Each account has two heaps of entries, ordered by the time of their next
 * attempt: one for ordinary messages, one for suspected ones (outbound/pool.h),
 * so that suspected messages delay no others.  One more pair of heaps holds the
 * messages that no account can be named for.
 *
 * The heaps own no entry.  All times are milliseconds of the boot clock.
 * Nothing here blocks or fails.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "base/due.h"
#include "queue/entry.h"
#include "queue/head_start.h"

enum heap_kind { HEAP_ORDINARY, HEAP_SUSPECTS, HEAPS };
struct due_heap {
	struct due due;
	/* outbound was woken and has not yet found this heap empty */
	bool is_woken;
};

struct account_schedule {
	/* how long deliveries took, from claim to end */
	struct head_start_times times;
	struct due_heap heaps[HEAPS];
	char *suspect; /* sender of the suspect taken last, or NULL; owned */
};

/* Makes the heaps of n accounts, 0 <= n < INT16_MAX.  schedule_clear() frees
 * them and leaves the entries alone. */
void schedule_init(struct queue *q, int n);
void schedule_clear(struct queue *q);

/* Asks hooks.route() which account sends e, and stores the answer in e.  e is
 * in no heap afterwards. */
void entry_route(struct queue *q, struct entry *e, const struct envelope *env);
/* Puts e into the heap of its account and wakes outbound if e is due.  Does
 * nothing if e is held, has failed, is being delivered or waits for the
 * disk. */
void entry_wait(struct queue *q, struct entry *e);
void entry_unwait(struct queue *q, struct entry *e);
enum heap_kind entry_heap(const struct entry *e);
/* Tells outbound that messages of this account are due.  Repeated calls tell it
 * once, until it has taken all of them; even_again: tell it in any case. */
void queue_wake(
    struct queue *q, int account, enum heap_kind kind, bool even_again);
/* Asks for a call of queue_tick(), because the time of its next call has
 * changed. */
void queue_rescheduled(struct queue *q);

#endif
