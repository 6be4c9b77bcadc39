/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate.h - asks the policies at the two gates of queue.h, and does what they
 * answer.
 *
 * At the arrival gate a policy may fold a new message into another, its
 * carrier: the new message becomes one line in the carrier's journal, synced
 * before its client hears "accepted", and has no file.  At the attempt gate a
 * policy may put a message off.
 *
 * Nothing blocks.  A queue without policies passes every message.
 */
#ifndef QUEUE_GATE_H
#define QUEUE_GATE_H

#include "queue/job.h"

struct entry;

/* How a message takes part in folding. */
struct message_fold {
	/* whose journal gets the line; NULL: none, or the line is written */
	struct queue_message *carrier;
	uint64_t line; /* the number of that line */
	char into[QID_SIZE]; /* id of the carrier, or "" */
	uint64_t lines; /* of a carrier: lines added so far */
};

/* Asks the arrival gate about a new, complete message.  True: the message has
 * been folded into another; the caller does nothing else with it. */
bool message_ask_gate(struct queue_message *msg);
/* Sets the reason that a listing shows for a carrier of n other messages. */
void carrier_describe(struct queue *q, struct entry *carrier, uint64_t n);
/* j has ended, which wrote lines of the carrier: the messages whose lines were
 * among them are safe, or cannot be kept. */
void carrier_written(struct queue_message *carrier, const struct job *j);
/* The carrier is being freed: messages whose lines are not written cannot be
 * kept. */
void carrier_abandon(struct queue_message *carrier);
/* Asks the attempt gate.  True: e is put off, and waits in its heap for a later
 * time. */
bool entry_ask_gate(struct queue *q, struct entry *e);
/* e is taken for an attempt: tells the gate, which may count it. */
void entry_begins(struct queue *q, struct entry *e);
/* e has gone or is taken: the gate need no longer know that it was put off. */
void entry_let_go(struct queue *q, struct entry *e);

#endif
