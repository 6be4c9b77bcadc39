/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of messages that are finished.  Each says so itself (a line in its
 * journal), so after a kill nothing of it is sent again and the scan removes it:
 * no delivery has to wait until it is gone.  A disk that removes more slowly than
 * the provider takes makes the deliveries wait in the end, or the files would
 * become more and more.
 *
 * A power cut can undo what was not synced.  So there is a sync for all that was
 * removed within sync_results_ms. */
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
	REMOVALS_CLOSE_MS = 2000 /* at the end, not longer */
};

enum { BATCH = 16 }; /* files of one job */

static void
files_add(struct files *f, enum store_place place, const char *id)
{
	if (f->count == f->cap) {
		f->cap = f->cap == 0 ? BATCH : f->cap * 2;
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

static void
start(struct queue *q)
{
	struct removals *r = &q->removals;
	struct job *j;

	if (r->waiting.count == 0 || r->jobs == REMOVALS_AT_ONCE ||
	    (r->close_by_ms != 0 && queue_now(q) >= r->close_by_ms))
		return;
	j = job_new(q, JOB_REMOVE, NULL, removal_job_done);
	j->files = files_take(&r->waiting, BATCH);
	r->under_way += j->files.count;
	r->jobs++;
	job_submit(j);
}

void
removal_add(struct queue *q, enum store_place place, const char *id)
{
	files_add(&q->removals.waiting, place, id);
	if (waiting(q) >= REMOVALS_MAX)
		q->removals.is_full = true;
	start(q);
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
	if (r->sync_at_ms == 0) {
		r->sync_at_ms = queue_now(q) + q->o.policy.sync_results_ms;
		queue_rescheduled(q);
	}
	if (r->is_full && waiting(q) <= REMOVALS_MAX / 2) {
		r->is_full = false;
		queue_rescheduled(q);
	}
	start(q);
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

int64_t
removals_tick(struct queue *q)
{
	struct removals *r = &q->removals;

	if (r->sync_at_ms == 0 || r->is_syncing)
		return INT64_MAX;
	if (queue_now(q) < r->sync_at_ms)
		return r->sync_at_ms;
	sync_now(q);
	return INT64_MAX;
}

void
removals_close(struct queue *q)
{
	q->removals.close_by_ms = queue_now(q) + REMOVALS_CLOSE_MS;
}

void
removals_clear(struct queue *q)
{
	if (q->removals.sync_at_ms != 0)
		sync_now(q); /* at once, now */
	free(q->removals.waiting.v);
}
