/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notifier.h - connects notices and alerts (src/notice) with the configuration
 * and other parts of the daemon.
 *
 * It logs their decisions, chooses the account that sends a notice, and passes
 * each alert to alert_queue.h.
 */
#ifndef RELAISD_NOTIFIER_H
#define RELAISD_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

struct accounts;
struct link;
struct loop;
struct notices;
struct people;
struct queue;
struct routing;
struct notifier;

struct notifier *notifier_new(
    struct loop *l, struct link *link, struct people *people);
void notifier_free(struct notifier *t);

/* Nothing is reported before notifier_start() and after notifier_stop(), which
 * must be called before the queue is freed. */
void notifier_start(struct notifier *t, struct queue *queue,
    struct accounts *accounts, const struct routing *routing,
    void (*wake)(void *ctx), void *ctx);
void notifier_stop(struct notifier *t);

/* For notices_tick() and the events of notices.h. */
struct notices *notifier_notices(struct notifier *t);

/* For struct account_hooks; reason NULL: the problem is resolved. */
void notifier_account(struct notifier *t, const char *account,
    const char *event, const char *reason);
/* For the queue's hook held(): reports a message that may have been delivered;
 * other held messages are reported by their account. */
void notifier_held(struct notifier *t, const char *id);
/* Reports trouble with the disk. */
void notifier_disk(struct notifier *t, const char *text);
/* is_over: this user has used up max_per_user; false: the user may send
 * again. */
void notifier_user_limit(struct notifier *t, uint32_t uid, bool is_over);

#endif
