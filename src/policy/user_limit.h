/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user_limit.h - how many recipients the mail of one user may have in an hour.
 *
 * A policy at the queue's attempt gate (queue/queue.h): what is over
 * max_per_user waits, and lets others pass.  What has been spent outlives a
 * restart.
 */
#ifndef POLICY_USER_LIMIT_H
#define POLICY_USER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "queue/queue.h"

struct user_limit;

/* max 0: no limit.  on_limit(): the limit of this user is used up and mail
 * waits for it, or none does any more.  Only note it. */
struct user_limit *user_limit_new(const struct clock *clock, uint64_t max,
    void (*on_limit)(void *ctx, uint32_t uid, bool is_over), void *ctx);
/* After the queue. */
void user_limit_free(struct user_limit *l);
/* For struct queue_opts; borrows l. */
struct queue_attempt_gate user_limit_gate(struct user_limit *l);
/* The queue that has the gate, where it finds what was spent; before any
 * message is taken. */
void user_limit_attach(struct user_limit *l, struct queue *q);
/* Before the queue is freed: what was spent and is not written yet. */
void user_limit_save(struct user_limit *l);
/* From now on; what was spent stays, and what waits is looked at again. */
void user_limit_set(struct user_limit *l, uint64_t max);

#endif
