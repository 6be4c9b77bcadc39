/* SPDX-License-Identifier: GPL-3.0-or-later */
/* head_start.h - decides who gets a new message first, the provider or the
 * disk.
 *
 * If the provider has lately been quicker than the disk, a new message gets a
 * head start: it is written only when that time is over.  A message that was
 * delivered by then needs no file.  Nothing is promised to the client before
 * one of them has the message.
 *
 * Times are in milliseconds of the boot clock unless noted.  Nothing blocks.
 */
#ifndef QUEUE_HEAD_START_H
#define QUEUE_HEAD_START_H

#include <stddef.h>
#include <stdint.h>

struct queue;
struct queue_message;

/* How long recent messages took, in the unit of head_start.c. */
struct head_start_times {
	int64_t average; /* per message when many run side by side */
	int64_t whole; /* of one message, from its beginning to its end */
	unsigned samples;
	/* to the provider; 0: not known, or this is the disk */
	int64_t round_trip_ms;
};

struct head_starts {
	struct head_start_times disk;
	/* messages whose begun_ms, stored_among are set */
	size_t begun, storing;
	unsigned probes;
	int64_t next_probe_ms;
};

/* The state of that decision; written by head_start.c alone. */
struct message_head_start {
	int64_t store_at_ms; /* DISK_WAITING: the head start ends here */
	int64_t begun_ms; /* when it began; 0: the first attempt is over */
	/* messages whose first attempt was to come when this one began, itself
	 * included */
	size_t begun_among;
	int64_t stored_ms; /* when the job that writes it began */
	/* jobs that wrote messages then, its own included; 0: no job */
	size_t stored_among;
};

/* A new message has begun.  Returns its head start in ms, which may be 0. */
int64_t head_start_begin(struct queue_message *msg);
/* The round trip of the connection that carries msg, in ms. */
void head_start_round_trip(struct queue_message *msg, int64_t ms);
/* Ends the head start of msg. */
void head_start_hurry(struct queue_message *msg);
/* The job that writes msg begins. */
void head_start_store_begun(struct queue_message *msg);
/* msg was sent, or stored: learns how long that took, unless the time was spent
 * elsewhere. */
void head_start_sent(struct queue_message *msg);
void head_start_stored(struct queue_message *msg);
/* The first attempt is over, or the job that writes msg; or msg is freed. */
void head_start_attempt_over(struct queue_message *msg);
void head_start_store_over(struct queue_message *msg);

#endif
