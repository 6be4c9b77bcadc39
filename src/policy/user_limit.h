/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user_limit.h - limits how many recipients the mail of one user may have in an
 * hour.
 *
 * A policy at the queue's attempt gate (queue/queue.h): messages over
 * max_per_user wait and let those of other users pass.  The counts are kept
 * across restarts.
 *
 * Nothing blocks but user_limit_attach(), which reads the counts.
 */
#ifndef POLICY_USER_LIMIT_H
#define POLICY_USER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "queue/queue.h"

struct user_limit;

/* max 0: no limit.  on_limit() must only take note.  is_over: the limit of a
 * user is used up and messages wait for it; false: none waits any more. */
struct user_limit *user_limit_new(const struct clock *clock, uint64_t max,
    void (*on_limit)(void *ctx, uint32_t uid, bool is_over), void *ctx);
/* After the queue was freed. */
void user_limit_free(struct user_limit *l);
/* For struct queue_opts; borrows l. */
struct queue_attempt_gate user_limit_gate(struct user_limit *l);
/* Sets the queue that has the gate, and reads the counts from its state.
 * Before any message is taken. */
void user_limit_attach(struct user_limit *l, struct queue *q);
/* Before the queue is freed: saves counts that are not written yet. */
void user_limit_save(struct user_limit *l);
/* Changes the limit.  Counts stay; messages that wait are looked at again. */
void user_limit_set(struct user_limit *l, uint64_t max);

#endif
