/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* --- on a worker thread: only the job, the store, and what is borrowed --- */

/* Between these two the loop may not touch the notes. */
static struct bytes
take_notes(void *ctx)
{
	struct job *j = ctx;

	(void)pthread_mutex_lock(&j->q->jobs.mutex);
	return buf_bytes(&j->store.notes);
}

static void
notes_written(void *ctx)
{
	struct job *j = ctx;

	j->store.is_written = true;
	(void)pthread_mutex_unlock(&j->q->jobs.mutex);
}

static int
run_store(struct job *j)
{
	struct store_notes notes = { take_notes, notes_written, j };
	struct store *s = j->q->store;

	if (j->store.draft != NULL)
		return s->ops->draft_commit(j->store.draft, &notes, &j->err);
	return s->ops->put(
	    s, j->id, buf_bytes(&j->text), j->store.message, &notes, &j->err);
}

static int
run_append(struct job *j)
{
	struct store *s = j->q->store;

	if (buf_len(&j->text) == 0)
		return 0;
	return s->ops->append(
	    s, j->place, j->id, buf_bytes(&j->text), j->must_sync, &j->err);
}

static int
run_fail(struct job *j)
{
	struct store *s = j->q->store;

	return s->ops->finish(
	    s, &j->place, STORE_FAILED, j->id, buf_bytes(&j->text), &j->err);
}

/* The job's error says what is damaged; its place, whether it was moved. */
static int
run_set_aside(struct job *j)
{
	struct store *s = j->q->store;

	IGNORE(s->ops->finish(
	    s, &j->place, STORE_CORRUPT, j->id, bytes_str(""), NULL));
	return 0;
}

static int
run_requeue(struct job *j)
{
	struct store *s = j->q->store;

	return s->ops->finish(
	    s, &j->place, STORE_QUEUE, j->id, buf_bytes(&j->text), &j->err);
}

/* The error of the first that fails is told. */
static int
run_remove(struct job *j)
{
	struct store *s = j->q->store;
	struct err *err = &j->err;
	int rc = 0;

	for (size_t i = 0; i < j->files.count; i++) {
		const struct file *f = &j->files.v[i];

		if (s->ops->remove(s, f->place, f->id, err) == 0)
			continue;
		if (rc == 0)
			memcpy(j->id, f->id, QID_SIZE);
		rc = -1;
		err = NULL;
	}
	return rc;
}

static int
run_sync(struct job *j)
{
	return j->q->store->ops->sync(j->q->store, &j->err);
}

static int
run_state(struct job *j)
{
	return j->q->store->ops->state_write(
	    j->q->store, j->state.name, buf_bytes(&j->text), &j->err);
}

static int
run_drops(struct job *j)
{
	drop_folder_look(j->q->store->drop, j->drops.wall_s, j->drops.found);
	return 0;
}

static int
run_fetch(struct job *j)
{
	const struct store_ops *ops = j->q->store->ops;

	j->fetch.result = ops->load(
	    j->q->store, j->place, j->id, &j->fetch.loaded, &j->err);
	if (j->fetch.result == STORE_OK)
		j->fetch.result = ops->message_fetch(j->fetch.loaded, &j->err);
	return j->fetch.result == STORE_OK ? 0 : -1;
}

static int
run_heartbeat(struct job *j)
{
	return j->q->store->ops->heartbeat(j->q->store, &j->counts, &j->err);
}

static int
run_ask(struct job *j)
{
	return j->ask.run(j->ask.ctx, j->q->store, &j->err);
}

static int (*const runs[])(struct job *j) = {
	[JOB_STORE] = run_store,
	[JOB_APPEND] = run_append,
	[JOB_FAIL] = run_fail,
	[JOB_SET_ASIDE] = run_set_aside,
	[JOB_REQUEUE] = run_requeue,
	[JOB_REMOVE] = run_remove,
	[JOB_SYNC] = run_sync,
	[JOB_STATE] = run_state,
	[JOB_DROPS] = run_drops,
	[JOB_FETCH] = run_fetch,
	[JOB_HEARTBEAT] = run_heartbeat,
	[JOB_ASK] = run_ask,
};

static void
job_run(struct work *w)
{
	struct job *j = (struct job *)(void *)w;
	struct queue *q = j->q;
	int rc = runs[j->kind](j);

	(void)pthread_mutex_lock(&q->jobs.mutex);
	j->rc = rc;
	j->is_finished = true;
	(void)pthread_cond_broadcast(&q->jobs.finished);
	(void)pthread_mutex_unlock(&q->jobs.mutex);
}

/* --- on the loop ---------------------------------------------------------- */

static void
job_free(struct job *j)
{
	list_remove(&j->link);
	buf_clear(&j->text);
	buf_clear(&j->state.next);
	buf_clear(&j->store.notes);
	free(j->files.v);
	if (j->drops.found != NULL)
		drop_found_clear(j->drops.found);
	free(j->drops.found);
	free(j->state.name);
	free(j);
}

/* Off the list first: what is done next may free the message, or start another
 * job for it. */
static void
job_deliver(struct job *j)
{
	list_remove(&j->link);
	j->done(j);
}

static void
job_done(struct work *w)
{
	struct job *j = (struct job *)(void *)w;

	if (j->q != NULL)
		job_deliver(j);
	job_free(j);
}

struct job *
job_new(struct queue *q, enum job_kind kind, struct queue_message *msg,
    void (*done)(struct job *j))
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->work = (struct work) { .run = job_run, .done = job_done };
	j->q = q;
	j->kind = kind;
	j->done = done;
	j->msg = msg;
	list_init(&j->link);
	buf_init(&j->text, kind == JOB_STATE ? (size_t)STORE_STATE_MAX
					     : (size_t)STORE_HEADER_MAX);
	buf_init(&j->state.next, STORE_STATE_MAX);
	buf_init(&j->store.notes, STORE_HEADER_MAX);
	if (msg != NULL) {
		memcpy(j->id, msg->e->id, QID_SIZE);
		j->place = entry_place(msg->e);
	}
	return j;
}

void
job_submit(struct job *j)
{
	struct queue *q = j->q;

	list_append(&q->jobs.list, &j->link);
	if (!q->is_closing) {
		q->o.pool.submit(q->o.pool.ctx, &j->work);
		return;
	}
	job_run(&j->work);
	job_done(&j->work);
}

bool
job_cancel(struct job *j)
{
	if (!j->q->o.pool.cancel(j->q->o.pool.ctx, &j->work))
		return false;
	job_free(j);
	return true;
}

bool
job_add_notes(struct job *j, struct bytes lines)
{
	bool ok;

	(void)pthread_mutex_lock(&j->q->jobs.mutex);
	ok = !j->store.is_written && buf_add(&j->store.notes, lines.p, lines.n);
	(void)pthread_mutex_unlock(&j->q->jobs.mutex);
	return ok;
}

void
job_finish_all(struct queue *q)
{
	while (!list_is_empty(&q->jobs.list)) {
		struct job *j = list_entry(q->jobs.list.next, struct job, link);

		if (q->o.pool.cancel(q->o.pool.ctx, &j->work)) {
			job_run(&j->work);
			job_done(&j->work);
			continue;
		}
		(void)pthread_mutex_lock(&q->jobs.mutex);
		while (!j->is_finished)
			(void)pthread_cond_wait(
			    &q->jobs.finished, &q->jobs.mutex);
		(void)pthread_mutex_unlock(&q->jobs.mutex);
		job_deliver(j);
		j->q = NULL; /* its done() is still to come, and frees it */
	}
}

static void
ask_done(struct job *j)
{
	j->ask.done(j->ask.ctx, j->rc, &j->err);
}

void
queue_ask_store(struct queue *q, const struct queue_ask *ask)
{
	struct job *j = job_new(q, JOB_ASK, NULL, ask_done);

	j->ask = *ask;
	job_submit(j);
}
