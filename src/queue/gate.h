/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate.h - what policies decide. */
#ifndef QUEUE_GATE_H
#define QUEUE_GATE_H

#include "queue/job.h"

struct entry;

/* It stands for others, or another stands for it (gate.c). */
struct message_join {
	struct queue_message *carrier; /* NULL: none, or its line is written */
	uint64_t turn; /* which line that is */
	char into[QID_SIZE]; /* or "" */
	uint64_t lines; /* of a carrier: so far */
};

/* A new message with all it has.  True: it is one line of another now, and
 * nothing else is done with it. */
bool message_joins(struct queue_message *msg);
/* The reason that a listing gives for a carrier of n others. */
void carrier_describe(struct queue *q, struct entry *carrier, uint64_t n);
/* The lines of those that joined by then are on the disk, or are not. */
void carrier_written(struct queue_message *carrier, const struct job *j);
/* The carrier goes, and lines that were not written with it. */
void carrier_abandon(struct queue_message *carrier);
/* True: it waits for later now. */
bool entry_is_put_off(struct queue *q, struct entry *e);
/* It is taken. */
void entry_begins(struct queue *q, struct entry *e);
/* It does not wait any more. */
void entry_let_go(struct queue *q, struct entry *e);

#endif
