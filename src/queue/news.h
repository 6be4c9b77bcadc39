/* SPDX-License-Identifier: GPL-3.0-or-later */
/* news.h - reports what has become of a message to notices and history, once
 * the disk has it.
 *
 * Nothing blocks: the hooks of queue.h only take note.
 */
#ifndef QUEUE_NEWS_H
#define QUEUE_NEWS_H

#include <stdbool.h>

struct entry;
struct queue;
struct queue_message;
struct verdict;

/* What is still to be reported. */
struct message_news {
	bool has_failed, is_delayed, is_held;
};

/* A job has ended: reports what the disk has now to the notices. */
void message_tell_people(struct queue_message *msg);
/* Reports what has been decided since the last call to the history. */
void message_tell_ended(struct queue_message *msg);
/* Reports to the history that a person deleted the message. */
void entry_tell_deleted(struct queue *q, const struct entry *e);

#endif
