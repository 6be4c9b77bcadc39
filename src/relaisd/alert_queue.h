/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert_queue.h - has alert_command run for each alert, one after another.
 *
 * The keeper runs the program (relaisd/alert_command.h); this module logs how
 * it ended.  Nothing blocks.
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
/* Does not wait for a program that runs. */
void alert_queue_free(struct alert_queue *q);

/* Adds an alert, for the alert_command of conf, if there is one.  waiting: how
 * many messages wait.  Copies a; keeps a reference to conf. */
void alert_queue_add(struct alert_queue *q, struct conf *conf,
    const struct alert *a, size_t waiting);

#endif
