/* SPDX-License-Identifier: GPL-3.0-or-later */
/* race.h - decides who gets a new message first, the provider or the disk. */
#ifndef QUEUE_RACE_H
#define QUEUE_RACE_H

#include <stddef.h>
#include <stdint.h>

struct queue;
struct queue_message;

/* How long each message took lately, in the unit of race.c. */
struct race_times {
	int64_t average; /* where many side by side share the time of all */
	int64_t whole; /* of one, from its beginning to its end */
	unsigned samples;
	int64_t round_trip_ms; /* to the provider; 0: not known, or the disk */
};

struct races {
	struct race_times disk;
	size_t begun, storing; /* messages with begun_ms, stored_among */
	unsigned probes;
	int64_t next_probe_ms;
};

/* The state of that decision (race.c). */
struct message_race {
	int64_t store_at_ms; /* DISK_WAITING: until then */
	int64_t begun_ms; /* 0: its first attempt is over */
	size_t begun_among; /* so many had theirs before them then, with it */
	int64_t stored_ms; /* when its store job began */
	size_t stored_among; /* likewise, store jobs under way; 0: none */
};

/* A new message; the head start of the provider, which may be 0. */
int64_t race_begin(struct queue_message *msg);
/* Of the connection that it goes over. */
void race_round_trip(struct queue_message *msg, int64_t ms);
/* Its head start is over. */
void race_hurry(struct queue_message *msg);
/* Its store job begins. */
void race_store_begun(struct queue_message *msg);
/* What happened; nothing is learnt from what took its time elsewhere. */
void race_sent(struct queue_message *msg);
void race_stored(struct queue_message *msg);
/* Its first attempt is over; the store job is back; or it goes away. */
void race_attempt_over(struct queue_message *msg);
void race_store_over(struct queue_message *msg);

#endif
