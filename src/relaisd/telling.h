/* SPDX-License-Identifier: GPL-3.0-or-later */
/* telling.h - tells people: what notices and alerts (src/notice) need of the
 * configuration and of the other parts of the daemon.
 *
 * It logs what they decide, chooses the account that sends a notice, and hands
 * each alert to alert_queue.h.
 */
#ifndef RELAISD_TELLING_H
#define RELAISD_TELLING_H

#include <stdbool.h>
#include <stdint.h>

struct accounts;
struct link;
struct loop;
struct notices;
struct people;
struct queue;
struct routing;
struct telling;

struct telling *telling_new(
    struct loop *l, struct link *link, struct people *people);
void telling_free(struct telling *t);

/* Before telling_start() and after telling_stop(), which comes before the queue
 * ends, nobody is told anything. */
void telling_start(struct telling *t, struct queue *queue,
    struct accounts *accounts, const struct routing *routing,
    void (*wake)(void *ctx), void *ctx);
void telling_stop(struct telling *t);

/* For notices_tick() and the events of notices.h. */
struct notices *telling_notices(struct telling *t);

/* For struct account_hooks; reason NULL: it is over. */
void telling_account(struct telling *t, const char *account, const char *event,
    const char *reason);
/* For the queue's hook; only of an uncertain message, others are told by their
 * account. */
void telling_held(struct telling *t, const char *id);
/* The disk makes trouble. */
void telling_disk(struct telling *t, const char *text);
/* This user has used up max_per_user, or may send again. */
void telling_user_limit(struct telling *t, uint32_t uid, bool is_over);

#endif
