/* SPDX-License-Identifier: GPL-3.0-or-later */
/* beat.h - a store at the other end of a network: that we live, what we get
 * from others, and messages that come here before they are taken.
 */
#ifndef QUEUE_BEAT_H
#define QUEUE_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;
struct queue_message;

struct beat {
	bool is_running;
	bool is_away; /* the last one found no store */
	int64_t at_ms; /* the next one */
	int64_t wall_ahead_ms; /* the store's clock, of ours */
	size_t ahead; /* messages that come here, or are here and not taken */
};

/* Begins one if it is time; when to call it again, INT64_MAX. */
int64_t beat_tick(struct queue *q);

enum beat_fetch {
	BEAT_HERE, /* nothing of it is elsewhere */
	BEAT_COMES, /* the account is woken when it is here */
	BEAT_LATER /* it has got another time */
};
/* What is due is about to be taken; its entry does not wait. */
enum beat_fetch beat_fetch(struct queue_message *msg);
/* No more of them come now; accounts are woken when there is room again. */
bool beat_is_full(const struct queue *q);
/* It is taken, or what came is not needed any more. */
void beat_used(struct queue_message *msg);

#endif
