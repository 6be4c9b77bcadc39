/* SPDX-License-Identifier: GPL-3.0-or-later */
/* news.h - what people are to be told, and how long what failed is kept. */
#ifndef QUEUE_NEWS_H
#define QUEUE_NEWS_H

#include <stdbool.h>

struct entry;
struct queue;
struct queue_message;
struct verdict;

/* What people are to be told as soon as the disk knows it. */
struct message_news {
	bool has_failed, is_delayed, is_held;
};

/* A job has come back: reports what may be reported now that the disk knows. */
void message_tell_people(struct queue_message *msg);
/* For the history: what has been decided since the last call. */
void message_tell_ended(struct queue_message *msg);
void entry_tell_deleted(struct queue *q, const struct entry *e);

#endif
