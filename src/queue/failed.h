/* SPDX-License-Identifier: GPL-3.0-or-later */
/* failed.h - messages in failed/: whether people have been told of them, and
 * how long they are kept (QUEUE_FAILED_DAYS).
 */
#ifndef QUEUE_FAILED_H
#define QUEUE_FAILED_H

struct queue;

/* Once a day: removes messages that are too old or too many, the oldest first.
 * Does not block; jobs remove the files. */
void queue_clean_failed(struct queue *q);

#endif
