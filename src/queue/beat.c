/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

enum {
	/* So many messages come here before they are taken. */
	AHEAD_MAX = 8,
	SOON_MS = 50
};

/* Who asked in vain is woken again. */
static void
wake_all(struct queue *q)
{
	for (int i = 0; i < q->naccounts; i++)
		for (int k = 0; k < LINES; k++)
			q->accounts[i].lines[k].is_woken = false;
	queue_rescheduled(q);
}

static void
is_back(struct queue *q)
{
	struct err err;

	q->scan.again_ms = queue_now(q); /* what has become ours */
	if (!q->beat.is_away)
		return;
	q->beat.is_away = false;
	err_set(&err, ERR_NONE, "%s answers again", q->store->name);
	queue_trouble(q, "-", &err);
	wake_all(q);
}

static void
beat_done(struct job *j)
{
	struct queue *q = j->q;

	q->beat.is_running = false;
	q->beat.wall_ahead_ms = q->store->ahead_ms;
	q->beat.at_ms = queue_now(q) +
			(j->rc == STORE_HAS_MORE ? SOON_MS : STORE_BEAT_MS);
	queue_rescheduled(q);
	if (j->rc >= 0) {
		is_back(q);
		return;
	}
	if (!q->beat.is_away)
		queue_trouble(q, "-", &j->err);
	q->beat.is_away = true;
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
beat_tick(struct queue *q)
{
	struct job *j;

	if (!q->store->is_remote || q->beat.is_running)
		return INT64_MAX;
	if (queue_now(q) < q->beat.at_ms)
		return q->beat.at_ms;
	q->beat.is_running = true;
	j = job_new(q, JOB_BEAT, NULL, beat_done);
	j->counts = counts(q);
	job_submit(j);
	return INT64_MAX;
}

void
beat_used(struct queue_message *msg)
{
	if (!msg->body.is_ahead)
		return;
	msg->body.is_ahead = false;
	msg->q->beat.ahead--;
	if (msg->q->beat.ahead == AHEAD_MAX - 1)
		wake_all(msg->q);
}

bool
beat_is_full(const struct queue *q)
{
	return q->beat.ahead >= AHEAD_MAX;
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
			queue_wake(q, e->account, entry_line(e), true);
		message_advance(msg);
		return;
	}
	if (j->fetch.result != STORE_OK && j->fetch.loaded != NULL)
		q->store->ops->message_free(j->fetch.loaded);
	if (j->fetch.result == STORE_OK) {
		j->fetch.result = STORE_DAMAGED;
		err_set(&j->err, ERR_DISK, "its checksum is wrong");
	}
	beat_used(msg);
	message_cannot_load(msg, j->fetch.result, &j->err);
}

enum beat_fetch
beat_fetch(struct queue_message *msg)
{
	struct queue *q = msg->q;

	if (!q->store->is_remote || message_is_here(msg))
		return BEAT_HERE;
	if (msg->disk.job != NULL) /* it comes to rest, and waits again */
		return BEAT_COMES;
	if (q->beat.is_away) {
		msg->e->times.next_ms = queue_now(q) + QUEUE_AWAY_MS;
		entry_wait(q, msg->e);
		message_advance(msg);
		return BEAT_LATER;
	}
	msg->body.is_ahead = true;
	q->beat.ahead++;
	msg->disk.job = job_new(q, JOB_FETCH, msg, fetch_done);
	job_submit(msg->disk.job);
	return BEAT_COMES;
}
