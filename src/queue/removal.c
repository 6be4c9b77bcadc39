/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of messages that are finished.  Each says so itself (a line in its
 * journal), so after a kill nothing of it is sent again and the scan removes
 * it: no delivery has to wait until it is gone.  A disk that removes more
 * slowly than the provider takes makes the deliveries wait in the end, or the
 * files would become more and more.
 *
 * A power cut can undo what was not synced.  So there is a sync for all that
 * was removed within sync_results_ms. */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	/* Finished messages whose files are still to be removed: with so many
	 * no more is delivered until half of them are gone, and so many threads
	 * remove them. */
	REMOVALS_MAX = 2000,
	REMOVALS_AT_ONCE = 2,
	/* Handing a job to a thread costs more than removing a file, so a job
	 * removes many; the first of them waits so long for others. */
	REMOVALS_BATCH = 16,
	REMOVALS_WAIT_MS = 100,
	REMOVALS_CLOSE_MS = 2000 /* at the end, not longer */
};

static void
files_add(struct files *f, enum store_place place, const char *id)
{
	if (f->count == f->cap) {
		f->cap = f->cap == 0 ? REMOVALS_BATCH : f->cap * 2;
		f->v = xrealloc(f->v, f->cap, sizeof(*f->v));
	}
	f->v[f->count].place = place;
	memcpy(f->v[f->count++].id, id, QID_SIZE);
}

/* The newest ones: who is first does not matter. */
static struct files
files_take(struct files *f, size_t n)
{
	struct files taken = { 0 };

	while (taken.count < n && f->count > 0) {
		const struct file *last = &f->v[--f->count];

		files_add(&taken, last->place, last->id);
	}
	if (f->count == 0) {
		free(f->v);
		*f = (struct files) { 0 };
	}
	return taken;
}

static size_t
waiting(const struct queue *q)
{
	return q->removals.waiting.count + q->removals.under_way;
}

bool
removals_are_full(const struct queue *q)
{
	return q->removals.is_full;
}

static void removal_job_done(struct job *j);

/* In a remote store nothing but its going says that a message is finished. */
static int64_t
wait_ms(const struct queue *q)
{
	if (q->store->is_remote)
		return 0;
	return earlier_of(q->o.policy.sync_results_ms, REMOVALS_WAIT_MS);
}

static bool
may_start(const struct queue *q)
{
	const struct removals *r = &q->removals;

	if (r->waiting.count == 0 || r->jobs == REMOVALS_AT_ONCE)
		return false;
	if (r->close_by_ms != 0)
		return queue_now(q) < r->close_by_ms;
	if (queue_now(q) < r->away_until_ms)
		return false;
	return r->waiting.count >= REMOVALS_BATCH ||
	       queue_now(q) >= r->start_at_ms;
}

static void
start_removal(struct queue *q)
{
	struct removals *r = &q->removals;
	struct job *j;

	if (!may_start(q))
		return;
	j = job_new(q, JOB_REMOVE, NULL, removal_job_done);
	j->files = files_take(&r->waiting, REMOVALS_BATCH);
	r->under_way += j->files.count;
	r->jobs++;
	r->start_at_ms = queue_now(q) + wait_ms(q); /* those that are left */
	job_submit(j);
}

void
removal_add(struct queue *q, enum store_place place, const char *id)
{
	struct removals *r = &q->removals;

	files_add(&r->waiting, place, id);
	if (r->waiting.count == 1) {
		r->start_at_ms = queue_now(q) + wait_ms(q);
		queue_rescheduled(q);
	}
	if (waiting(q) >= REMOVALS_MAX)
		r->is_full = true;
	start_removal(q);
}

static void
removal_job_done(struct job *j)
{
	struct queue *q = j->q;
	struct removals *r = &q->removals;

	if (j->rc != 0)
		queue_trouble(q, j->id, &j->err);
	r->jobs--;
	r->under_way -= j->files.count;
	if (j->rc != 0 && q->store->is_remote && r->close_by_ms == 0) {
		r->away_until_ms = queue_now(q) + QUEUE_AWAY_MS;
		for (size_t i = 0; i < j->files.count; i++)
			files_add(
			    &r->waiting, j->files.v[i].place, j->files.v[i].id);
	}
	if (r->sync_at_ms == 0) {
		r->sync_at_ms = queue_now(q) + q->o.policy.sync_results_ms -
				wait_ms(q);
		queue_rescheduled(q);
	}
	if (r->is_full && waiting(q) <= REMOVALS_MAX / 2) {
		r->is_full = false;
		queue_rescheduled(q);
	}
	start_removal(q);
	if (r->waiting.count > 0)
		queue_rescheduled(q);
}

static void removal_sync_done(struct job *j);

static void
sync_now(struct queue *q)
{
	struct removals *r = &q->removals;
	struct job *j = job_new(q, JOB_SYNC, NULL, removal_sync_done);

	r->sync_at_ms = 0;
	r->is_syncing = true;
	job_submit(j);
}

static void
removal_sync_done(struct job *j)
{
	struct queue *q = j->q;
	q->removals.is_syncing = false;
	if (j->rc != 0)
		queue_trouble(q, "-", &j->err);
	if (q->removals.sync_at_ms != 0)
		queue_rescheduled(q);
}

static int64_t
sync_tick(struct queue *q)
{
	struct removals *r = &q->removals;

	if (r->sync_at_ms == 0 || r->is_syncing)
		return INT64_MAX;
	if (queue_now(q) < r->sync_at_ms)
		return r->sync_at_ms;
	sync_now(q);
	return INT64_MAX;
}

int64_t
removals_tick(struct queue *q)
{
	struct removals *r = &q->removals;
	int64_t next = sync_tick(q);

	start_removal(q);
	if (r->waiting.count == 0 || r->jobs == REMOVALS_AT_ONCE)
		return next;
	return earlier_of(next, r->start_at_ms > r->away_until_ms
				    ? r->start_at_ms
				    : r->away_until_ms);
}

void
removals_close(struct queue *q)
{
	q->removals.close_by_ms = queue_now(q) + REMOVALS_CLOSE_MS;
	start_removal(q);
}

void
removals_clear(struct queue *q)
{
	if (q->removals.sync_at_ms != 0)
		sync_now(q); /* at once, now */
	free(q->removals.waiting.v);
}
