/* SPDX-License-Identifier: GPL-3.0-or-later */
/* news.h - tells the notices and the history what has become of a message, once
 * the disk knows it.  Nothing blocks. */
#ifndef QUEUE_NEWS_H
#define QUEUE_NEWS_H

#include <stdbool.h>

struct entry;
struct queue;
struct queue_message;
struct verdict;

/* What is still to be told. */
struct message_news {
	bool has_failed, is_delayed, is_held;
};

/* A job is back: tells the notices what the disk knows now. */
void message_tell_people(struct queue_message *msg);
/* Tells the history what has been decided since the last call. */
void message_tell_ended(struct queue_message *msg);
void entry_tell_deleted(struct queue *q, const struct entry *e);

#endif
