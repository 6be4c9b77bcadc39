/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.h - what happens to a message, and when.
 *
 * The one rule that keeps this simple: every event (a job came back, a
 * delivery ended, a deadline passed) is noted in the message, and then
 * message_advance() looks at the whole of it and does what can be done.  At
 * most one job per message is under way.  Callbacks are made last of all, when
 * nothing is touched any more.  The states, and what each event leads to, are a
 * table at the top of message.c.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "queue/body.h"
#include "queue/claim.h"
#include "queue/entry.h"
#include "queue/gate.h"
#include "queue/message_client.h"
#include "queue/message_disk.h"
#include "queue/news.h"
#include "queue/race.h"

struct queue_message {
	struct list link; /* in q->messages */
	struct queue *q;
	struct entry *e;
	struct envelope *env; /* NULL: on the disk only */
	struct message_body body;
	struct message_disk disk;
	struct message_race race;
	struct message_client client;
	struct message_join join;
	struct message_attempt attempt;
	struct message_news news;
	bool is_dropped; /* nothing of it is to stay */
	bool is_requeue; /* from failed/ */
	bool is_lost; /* another process has it now */
};

/* The entry's message, made if need be: of a file that is safe. */
struct queue_message *message_get(struct queue *q, struct entry *e);
/* Without content, client, delivery or job it is not needed any more. */
void message_advance(struct queue_message *msg);
void message_job_done(struct job *j);

/* It is another process's: nothing of it is written any more, and the entry
 * goes when nobody here has to do with it. */
void message_is_lost(struct queue_message *msg);
/* The entry goes, with all that it has. */
void message_forget(struct queue *q, struct entry *e);

#endif
