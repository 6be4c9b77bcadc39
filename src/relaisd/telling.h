/* SPDX-License-Identifier: GPL-3.0-or-later */
/* telling.h - connects notices and alerts (src/notice) with the configuration
 * and other parts of the daemon.
 *
 * It logs their decisions, chooses the account that sends a notice, and passes
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

/* Nothing is reported before telling_start() and after telling_stop(), which
 * must be called before the queue is freed. */
void telling_start(struct telling *t, struct queue *queue,
    struct accounts *accounts, const struct routing *routing,
    void (*wake)(void *ctx), void *ctx);
void telling_stop(struct telling *t);

/* For notices_tick() and the events of notices.h. */
struct notices *telling_notices(struct telling *t);

/* For struct account_hooks; reason NULL: the problem is resolved. */
void telling_account(struct telling *t, const char *account, const char *event,
    const char *reason);
/* For the queue's hook held(): reports a message that may have been delivered;
 * other held messages are reported by their account. */
void telling_held(struct telling *t, const char *id);
/* Reports trouble with the disk. */
void telling_disk(struct telling *t, const char *text);
/* is_over: this user has used up max_per_user; false: the user may send
 * again. */
void telling_user_limit(struct telling *t, uint32_t uid, bool is_over);

#endif
