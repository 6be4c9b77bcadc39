/* SPDX-License-Identifier: GPL-3.0-or-later */
/* failed.h - messages in failed/: that people have been told of them, and how
 * long they are kept.
 */
#ifndef QUEUE_FAILED_H
#define QUEUE_FAILED_H

struct queue;

/* Removes the oldest ones if there are too many, once a day. */
void queue_clean_failed(struct queue *q);

#endif
