/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert_queue.h - has alert_command run for each alert, one after another.
 *
 * The keeper runs the program (relaisd/alert_command.h); how it ended is logged
 * here.
 */
#ifndef RELAISD_ALERT_QUEUE_H
#define RELAISD_ALERT_QUEUE_H

#include <stddef.h>

struct alert;
struct alert_queue;
struct conf;
struct link;
struct loop;

struct alert_queue *alert_queue_new(struct loop *l, struct link *link);
/* A program that runs is left to end by itself. */
void alert_queue_free(struct alert_queue *q);

/* By the alert_command of conf, if it has one.  waiting: how many messages
 * wait.  Copies the alert. */
void alert_queue_add(struct alert_queue *q, struct conf *conf,
    const struct alert *a, size_t waiting);

#endif
