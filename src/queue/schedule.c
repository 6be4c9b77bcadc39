/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due: a heap of entries for each account, and one of those that have
 * none. */
#include "queue/inside.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum { ASK_AGAIN_MS = 60 * 1000 }; /* about an account nobody could name */

void
schedule_init(struct queue *q, int n)
{
	assert(n >= 0 && n < INT16_MAX);
	q->naccounts = n;
	q->accounts = xcalloc((size_t)n + 1, sizeof(*q->accounts));
	for (int i = 0; i <= n; i++)
		for (int k = 0; k < HEAPS; k++)
			due_init(&q->accounts[i].heaps[k].due);
}

void
schedule_clear(struct queue *q)
{
	for (int i = 0; i <= q->naccounts; i++) {
		for (int k = 0; k < HEAPS; k++)
			due_clear(&q->accounts[i].heaps[k].due);
		free(q->accounts[i].suspect);
	}
	free(q->accounts);
	q->accounts = NULL;
}

enum heap_kind
entry_heap(const struct entry *e)
{
	return e->account >= 0 && e->suspicion != 0 ? HEAP_SUSPECTS
						    : HEAP_ORDINARY;
}

static struct due *
due_of(struct queue *q, const struct entry *e)
{
	int account = e->account >= 0 ? e->account : q->naccounts;

	return &q->accounts[account].heaps[entry_heap(e)].due;
}

void
entry_route(struct queue *q, struct entry *e, const struct envelope *env)
{
	int account = q->o.hooks.route(q->o.hooks.ctx, env);

	entry_unwait(q, e);
	e->account = account >= 0 && account < q->naccounts ? (int16_t)account
							    : -1;
}

/* Nothing is going on with it but, perhaps, its being written for the first
 * time: that a delivery need not wait for. */
static bool
is_at_rest(const struct queue_message *msg)
{
	if (msg->attempt.is_active || msg->is_dropped || msg->is_lost ||
	    msg->is_requeue || msg->attempt.result == RESULT_SENT ||
	    msg->attempt.result == RESULT_FAILED)
		return false;
	if (msg->disk.state == DISK_WRITING)
		return msg->attempt.result == RESULT_NONE;
	return msg->disk.job == NULL &&
	       (buf_len(&msg->disk.notes) == 0 || msg->disk.is_unsaved);
}

static bool
may_wait(const struct entry *e)
{
	return !e->is_held && !e->is_failed && !e->is_gone &&
	       (e->msg == NULL || is_at_rest(e->msg));
}

void
entry_wait(struct queue *q, struct entry *e)
{
	int64_t now = queue_now(q), ask = now;

	entry_unwait(q, e);
	if (!may_wait(e))
		return;
	if (e->account < 0) {
		if (e->account == ACCOUNT_NONE)
			ask += ASK_AGAIN_MS;
		due_add(due_of(q, e), &e->node, ask);
	} else {
		due_add(due_of(q, e), &e->node, e->times.next_ms);
	}
	if (e->account >= 0 && e->times.next_ms <= now)
		queue_wake(q, e->account, entry_heap(e), false);
	else
		queue_rescheduled(q);
}

void
entry_unwait(struct queue *q, struct entry *e)
{
	due_remove(due_of(q, e), &e->node);
}

void
queue_wake(struct queue *q, int account, enum heap_kind kind, bool even_again)
{
	struct due_heap *l = &q->accounts[account].heaps[kind];

	if ((l->is_woken && !even_again) || q->is_closing)
		return;
	l->is_woken = true;
	q->o.hooks.wake(q->o.hooks.ctx, account);
}

void
queue_rescheduled(struct queue *q)
{
	if (!q->is_ticking && !q->is_closing)
		q->o.hooks.wake(q->o.hooks.ctx, -1);
}
