/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	TOLD_MAX = 20, /* lines in TOLD_MS */
	TOLD_MS = 60 * 1000,
	STUCK_TOLD_MS = 24 * 60 * 60 * 1000
};

struct queue_drop {
	struct list link;
	struct queue *q;
	char name[QID_SIZE];
	struct drop_file *file;
};

void
drops_init(struct queue *q)
{
	list_init(&q->drops.taken);
	q->drops.again_ms = INT64_MAX;
}

static void
drop_free(struct queue_drop *d)
{
	list_remove(&d->link);
	drop_close(d->file);
	free(d);
}

void
drops_clear(struct queue *q)
{
	list_foreach (it, &q->drops.taken)
		drop_free(list_entry(it, struct queue_drop, link));
	free(q->drops.names);
}

/* --- telling -------------------------------------------------------------- */

static void
tell_rest(struct queue *q)
{
	struct drops *s = &q->drops;
	struct err err;

	if (s->nuntold > 0) {
		err_set(&err, ERR_INPUT,
		    "%u more files in drop/ were not acceptable messages",
		    s->nuntold);
		queue_trouble(q, "-", &err);
	}
	s->ntold = s->nuntold = 0;
	s->told_ms = queue_now(q);
}

static void
report_drop(struct queue *q, const char *name, const struct err *err)
{
	struct drops *s = &q->drops;

	if (queue_now(q) - s->told_ms >= TOLD_MS)
		tell_rest(q);
	if (s->ntold++ < TOLD_MAX)
		queue_trouble(q, name, err);
	else
		s->nuntold++;
}

static void
tell_names(struct queue *q, const struct drop_found *found)
{
	struct err err;

	if (found->rc != 0)
		queue_trouble(q, "-", &found->err);
	if (found->removed > 0) {
		err_set(&err, ERR_INPUT,
		    "removed %zu names from drop/ that were not messages, one "
		    "of them of uid %u",
		    found->removed, (unsigned)found->removed_uid);
		report_drop(q, "-", &err);
	}
	if (found->stuck > 0 && queue_now(q) >= q->drops.stuck_told_ms) {
		q->drops.stuck_told_ms = queue_now(q) + STUCK_TOLD_MS;
		err_set(&err, ERR_INPUT,
		    "drop/ has %zu folders that are not messages and cannot be "
		    "removed, one of them of uid %u",
		    found->stuck, (unsigned)found->stuck_uid);
		queue_trouble(q, "-", &err);
	}
}

/* --- the scan ------------------------------------------------------------- */

static void
drops_found(struct job *j)
{
	struct queue *q = j->q;
	struct drop_found *found = j->drops.found;
	struct drops *s = &q->drops;

	s->is_scanning = false;
	free(s->names);
	s->names = NULL;
	s->at = 0;
	s->count = found->count;
	if (s->count > 0) {
		s->names = found->names;
		found->names = NULL;
	}
	drop_folder_looked(q->store->drop, found);
	s->again_ms = found->again_s == INT64_MAX
			  ? INT64_MAX
			  : queue_now(q) + found->again_s * 1000;
	if (q->is_closing)
		return;
	tell_names(q, found);
	if (s->done != NULL)
		s->done(s->ctx);
}

bool
queue_drop_is_empty(struct queue *q)
{
	if (!drop_folder_is_empty(q->store->drop))
		return false;
	q->drops.again_ms = INT64_MAX;
	return true;
}

void
queue_drop_scan(struct queue *q, void (*done)(void *ctx), void *ctx)
{
	struct job *j;

	q->drops.done = done;
	q->drops.ctx = ctx;
	if (q->drops.is_scanning || done == NULL)
		return;
	q->drops.is_scanning = true;
	j = job_new(q, JOB_DROPS, NULL, drops_found);
	j->drops.found = xcalloc(1, sizeof(*j->drops.found));
	j->drops.wall_s = queue_wall(q) / 1000;
	job_submit(j);
}

int64_t
queue_drop_again_ms(const struct queue *q)
{
	return q->drops.again_ms;
}

int
queue_drop_dirfd(const struct queue *q)
{
	return drop_folder_dirfd(q->store->drop);
}

/* --- taking --------------------------------------------------------------- */

static bool
is_taken(const struct queue *q, const char *name)
{
	list_foreach (it, &q->drops.taken)
		if (strcmp(list_entry(it, struct queue_drop, link)->name,
			name) == 0)
			return true;
	return false;
}

static struct drop_file *
try_open(struct queue *q, const char *name, size_t max_rcpts)
{
	const struct drop_limits max = { q->o.max_size_bytes, max_rcpts };
	struct drop_file *f = NULL;
	int64_t again_s, again_ms;
	struct err err;

	switch (drop_folder_open(q->store->drop, name, &max,
	    queue_wall(q) / 1000, &f, &again_s, &err)) {
	case DROP_OPENED:
		return f;
	case DROP_TELL:
		report_drop(q, name, &err);
		break;
	case DROP_NOT_NOW:
		if (again_s == INT64_MAX)
			break;
		again_ms = queue_now(q) + again_s * 1000;
		if (again_ms < q->drops.again_ms)
			q->drops.again_ms = again_ms;
		break;
	}
	return NULL;
}

bool
queue_drop_next(struct queue *q, size_t max_rcpts, struct queue_drop **ret)
{
	struct drops *s = &q->drops;
	struct drop_file *f;
	struct queue_drop *d;
	const char *name;

	*ret = NULL;
	if (s->at == s->count)
		return false;
	name = s->names[s->at++];
	if (is_taken(q, name) || (f = try_open(q, name, max_rcpts)) == NULL)
		return true;
	d = xcalloc(1, sizeof(*d));
	d->q = q;
	d->file = f;
	memcpy(d->name, name, QID_SIZE);
	list_append(&s->taken, &d->link);
	*ret = d;
	return true;
}

uint32_t
queue_drop_uid(const struct queue_drop *d)
{
	return drop_uid(d->file);
}

const struct envelope *
queue_drop_envelope(const struct queue_drop *d)
{
	return drop_envelope(d->file);
}

int
queue_drop_read(
    struct queue_drop *d, void *p, size_t n, size_t *ret_n, struct err *err)
{
	return drop_read(d->file, p, n, ret_n, err);
}

void
queue_drop_end(struct queue_drop *d, enum queue_drop_end how, const char *why)
{
	struct queue *q = d->q;
	struct drop_folder *f = q->store->drop;
	struct err err;

	switch (how) {
	case QUEUE_DROP_TAKEN:
		if (drop_folder_remove(f, d->name, &err) != 0)
			report_drop(q, d->name, &err);
		break;
	case QUEUE_DROP_REFUSED:
	case QUEUE_DROP_BAD:
		err_set(&err, ERR_INPUT, "drop file of uid %u: %s",
		    (unsigned)drop_uid(d->file), why != NULL ? why : "refused");
		if (drop_folder_set_aside(
			f, d->name, how == QUEUE_DROP_REFUSED, &err))
			report_drop(q, d->name, &err);
		break;
	case QUEUE_DROP_LATER:
		break;
	}
	drop_free(d);
}
