/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

enum {
	/* So many messages come here before they are taken. */
	AHEAD_MAX = 8,
	SOON_MS = 50
};

/* Wakes the accounts whose request found no room. */
static void
wake_all(struct queue *q)
{
	for (int i = 0; i < q->naccounts; i++)
		for (int k = 0; k < HEAPS; k++)
			q->accounts[i].heaps[k].is_woken = false;
	queue_rescheduled(q);
}

static void
is_back(struct queue *q)
{
	struct err err;

	q->scan.again_ms = queue_now(q); /* what has become ours */
	if (!q->remote.is_away)
		return;
	q->remote.is_away = false;
	err_set(&err, ERR_NONE, "%s answers again", q->store->name);
	queue_trouble(q, "-", &err);
	wake_all(q);
}

static void
heartbeat_done(struct job *j)
{
	struct queue *q = j->q;

	q->remote.is_running = false;
	q->remote.wall_ahead_ms = q->store->ahead_ms;
	q->remote.at_ms = queue_now(q) + (j->rc == STORE_HAS_MORE
						 ? SOON_MS
						 : STORE_HEARTBEAT_MS);
	queue_rescheduled(q);
	if (j->rc >= 0) {
		is_back(q);
		return;
	}
	if (!q->remote.is_away)
		queue_trouble(q, "-", &j->err);
	q->remote.is_away = true;
	if (j->err.class == ERR_LOST && q->o.hooks.lost != NULL)
		q->o.hooks.lost(q->o.hooks.ctx);
}

static struct store_counts
counts(const struct queue *q)
{
	struct queue_counts n;

	queue_counts(q, &n);
	return (struct store_counts) { .due = n.of[QUEUE_STATE_DUE],
		.active = n.of[QUEUE_STATE_ACTIVE],
		.held = n.of[QUEUE_STATE_HELD],
		.failed = n.of[QUEUE_STATE_FAILED],
		.oldest_s = n.oldest_s };
}

int64_t
remote_store_tick(struct queue *q)
{
	struct job *j;

	if (!q->store->is_remote || q->remote.is_running)
		return INT64_MAX;
	if (queue_now(q) < q->remote.at_ms)
		return q->remote.at_ms;
	q->remote.is_running = true;
	j = job_new(q, JOB_HEARTBEAT, NULL, heartbeat_done);
	j->counts = counts(q);
	job_submit(j);
	return INT64_MAX;
}

void
remote_store_used(struct queue_message *msg)
{
	if (!msg->body.is_ahead)
		return;
	msg->body.is_ahead = false;
	msg->q->remote.ahead--;
	if (msg->q->remote.ahead == AHEAD_MAX - 1)
		wake_all(msg->q);
}

bool
remote_store_is_full(const struct queue *q)
{
	return q->remote.ahead >= AHEAD_MAX;
}

static void
fetch_done(struct job *j)
{
	struct queue_message *msg = j->msg;
	struct queue *q = j->q;
	struct entry *e = msg->e;

	msg->disk.job = NULL;
	if (j->fetch.result == STORE_OK &&
	    message_take_loaded(msg, j->fetch.loaded)) {
		message_set_fresh(msg);
		if (!e->is_held && !e->is_failed)
			e->times.next_ms = 1; /* before what is not here yet */
		if (e->account >= 0 && e->account < q->naccounts)
			queue_wake(q, e->account, entry_heap(e), true);
		message_advance(msg);
		return;
	}
	if (j->fetch.result != STORE_OK && j->fetch.loaded != NULL)
		q->store->ops->message_free(j->fetch.loaded);
	if (j->fetch.result == STORE_OK) {
		j->fetch.result = STORE_DAMAGED;
		err_set(&j->err, ERR_DISK, "its checksum is wrong");
	}
	remote_store_used(msg);
	message_cannot_load(msg, j->fetch.result, &j->err);
}

enum remote_store_fetch
remote_store_fetch(struct queue_message *msg)
{
	struct queue *q = msg->q;

	if (!q->store->is_remote || message_is_here(msg))
		return REMOTE_STORE_HERE;
	if (msg->disk.job != NULL) /* it comes to rest, and waits again */
		return REMOTE_STORE_COMES;
	if (q->remote.is_away) {
		msg->e->times.next_ms = queue_now(q) + QUEUE_AWAY_MS;
		entry_wait(q, msg->e);
		message_advance(msg);
		return REMOTE_STORE_LATER;
	}
	msg->body.is_ahead = true;
	q->remote.ahead++;
	msg->disk.job = job_new(q, JOB_FETCH, msg, fetch_done);
	job_submit(msg->disk.job);
	return REMOTE_STORE_COMES;
}
