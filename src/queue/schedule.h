/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schedule.h - what is due, for each account. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "base/due.h"
#include "queue/entry.h"
#include "queue/race.h"

/* Those under suspicion wait apart, so that they are in front of no others. */
enum line_kind { LINE_ORDINARY, LINE_SUSPECTS, LINES };
struct line {
	struct due due;
	bool is_woken; /* and has not taken all since */
};

struct account_schedule {
	struct race_times times; /* from the offer until all of it was sent */
	struct line lines[LINES];
	char *suspect; /* the last one's sender, or NULL */
};

/* n accounts, and one for nobody. */
void schedule_init(struct queue *q, int n);
void schedule_clear(struct queue *q);

/* Asks hooks.route() for its account; it waits in no heap afterwards. */
void entry_route(struct queue *q, struct entry *e, const struct envelope *env);
/* Into the heap of its account, if it waits for its time. */
void entry_wait(struct queue *q, struct entry *e);
void entry_unwait(struct queue *q, struct entry *e);
enum line_kind entry_line(const struct entry *e);
/* Tells outbound, unless it knows. */
void queue_wake(
    struct queue *q, int account, enum line_kind kind, bool even_again);
/* queue_tick() is to be called, to say when it is to be called. */
void queue_rescheduled(struct queue *q);

#endif
