/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.h - a message that something happens to: it arrives, is written,
 * delivered, reported or removed.
 *
 * Every event (a job is done, a delivery has ended, a deadline has passed) is
 * recorded in struct queue_message, and then message_advance() looks at the
 * whole struct and does everything that can be done.  Each part of the struct
 * has one file that decides about it; the others note in it what their event
 * has changed.  At most one job per message runs at a time.  Callbacks are made
 * last, when nothing is touched any more, because a callback may free the
 * message.  message.c opens with the table of states.
 *
 * The queue owns every queue_message; it is freed when nothing happens to the
 * message any more, and made again when needed.  Nothing blocks.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "queue/body.h"
#include "queue/claim.h"
#include "queue/entry.h"
#include "queue/gate.h"
#include "queue/head_start.h"
#include "queue/message_client.h"
#include "queue/message_disk.h"
#include "queue/news.h"

struct queue_message {
	struct list link; /* in q->messages */
	struct queue *q;
	struct entry *e;
	struct envelope *env; /* NULL: only the store has it */
	struct message_body body;
	struct message_disk disk;
	struct message_head_start head_start;
	struct message_client client;
	struct message_fold fold;
	struct message_attempt attempt;
	struct message_news news;
	bool is_dropped; /* to be removed, with its file */
	bool is_requeue; /* to be moved from failed/ back to the queue */
	bool is_lost; /* another relay owns it now */
};

/* Returns the queue_message of e.  Makes one if there is none, which says that
 * the message is safe on the disk and at rest. */
struct queue_message *message_get(struct queue *q, struct entry *e);
/* Does what the recorded events allow, and makes the callbacks.  Frees msg if
 * nothing happens to the message any more, so msg must not be used
 * afterwards. */
void message_advance(struct queue_message *msg);
/* For job_new(): records the result of j in its message and advances it. */
void message_job_done(struct job *j);

/* Another relay owns the message: nothing more is written about it here, and
 * the entry goes as soon as no client, delivery or job needs it.  Reported
 * once. */
void message_set_lost(struct queue_message *msg);
/* Frees e and its queue_message. */
void message_forget(struct queue *q, struct entry *e);

#endif
