/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue_core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static bool
has_room(struct queue *q, uint64_t size_bytes, struct err *err)
{
	if (q->disk_failures >= QUEUE_BAD_DISK_AFTER &&
	    queue_now(q) < q->disk_failed_ms + QUEUE_BAD_DISK_MS) {
		err_set(err, ERR_DISK,
		    "the disk of the spool %s has failed %u times in a row; "
		    "nothing is accepted for now",
		    q->store->name, q->disk_failures);
		return false;
	}
	return q->store->ops->has_room(q->store, size_bytes, err);
}

void
queue_disk_failed(struct queue *q)
{
	q->disk_failures++;
	q->disk_failed_ms = queue_now(q);
}

/* A full disk has room for one message now and for none a moment later, so
 * what counts is the time since a person was told. */
bool
queue_has_room(struct queue *q, uint64_t size_bytes, struct err *err)
{
	if (has_room(q, size_bytes, err))
		return true;
	if (q->disk_told_ms == 0 ||
	    queue_now(q) >= q->disk_told_ms + QUEUE_TELL_DISK_MS) {
		q->disk_told_ms = queue_now(q);
		queue_trouble(q, "-", err);
	}
	return false;
}

struct queue_draft *
queue_draft_new(struct queue *q)
{
	struct queue_draft *d = xcalloc(1, sizeof(*d));
	char id[QID_SIZE];

	do
		qid_make(queue_wall(q), q->o.rng, id);
	while (entry_lookup(q, id) != NULL ||
	       (!q->scan.is_done && !q->store->ops->is_free(q->store, id)));
	d->q = q;
	d->e = entry_new(q, id);
	memcpy(d->id, id, QID_SIZE);
	buf_init(&d->bytes, QUEUE_MEMORY_MAX);
	return d;
}

const char *
queue_draft_id(const struct queue_draft *d)
{
	return d->id;
}

/* What was in memory so far goes to the file. */
static int
spill(struct queue_draft *d, struct err *err)
{
	struct store *s = d->q->store;
	struct bytes b = buf_bytes(&d->bytes);

	if (s->ops->draft_new(s, d->e->id, &d->spill, err) != 0 ||
	    s->ops->draft_write(d->spill, b.p, b.n, err) != 0)
		return -1;
	buf_clear(&d->bytes);
	return 0;
}

static int
write_to_file(struct queue_draft *d, const void *p, size_t n, struct err *err)
{
	if (d->spill == NULL && spill(d, err) != 0)
		return -1;
	return d->q->store->ops->draft_write(d->spill, p, n, err);
}

int
queue_draft_write(
    struct queue_draft *d, const void *p, size_t n, struct err *err)
{
	assert(d->e != NULL); /* not after queue_draft_end() */
	if (d->spill == NULL && buf_add(&d->bytes, p, n))
		return 0;
	if (write_to_file(d, p, n, err) == 0)
		return 0;
	if (!d->has_failed) /* it counts once, however often it is tried */
		queue_disk_failed(d->q);
	d->has_failed = true;
	return -1;
}

static void
give_content(struct flight *fl, struct queue_draft *d)
{
	struct entry *e = fl->e;

	if (d->spill != NULL) {
		fl->env->size_bytes = d->spill->size_bytes;
		fl->draft = d->spill;
		d->spill = NULL;
	} else {
		fl->env->size_bytes = buf_len(&d->bytes);
		fl->bytes = buf_steal(&d->bytes);
	}
	entry_describe(e, fl->env);
	fl->is_fresh = true;
	fl->fresh_ms = queue_now(fl->q);
	flight_charge(fl);
}

static void
set_client(struct flight *fl, struct queue_draft *d, enum queue_mode mode,
    int64_t verdict_by_ms)
{
	fl->client = CLIENT_WAITING;
	fl->mode = mode;
	fl->verdict_by_ms = verdict_by_ms;
	fl->draft_handle = d;
	list_append(&fl->q->clients, &fl->client_link);
	d->fl = fl;
	d->e = NULL;
}

/* Its way through the queue. */
static void
begin(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;

	entry_list(q, e);
	entry_route(q, e, fl->env);
	flight_offer(fl);
	if (fl->mode != QUEUE_MODE_QUEUE && e->account >= 0)
		queue_wake(q, e->account, true);
	entry_wait(q, e);
}

void
queue_draft_end(struct queue_draft *d, const struct envelope *env,
    enum queue_mode mode, int64_t verdict_by_ms,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx)
{
	struct queue *q = d->q;
	struct entry *e;
	struct flight *fl;

	assert(d->e != NULL && env->nrcpts > 0);
	d->e = e = entry_name(q, d->e, env);
	fl = flight_get(q, e);
	fl->is_ending = true;
	fl->env = envelope_dup(env);
	memcpy(fl->env->id, e->id, QID_SIZE);
	if (fl->env->arrived_s == 0)
		fl->env->arrived_s = queue_wall(q) / 1000;
	give_content(fl, d);
	set_client(fl, d, mode, verdict_by_ms);
	fl->told = told;
	fl->told_ctx = ctx;

	e->next_ms = queue_now(q);
	if (mode == QUEUE_MODE_QUEUE)
		e->next_ms += retry_wait_ms(&q->retry, 1, q->o.rng);
	if (!flight_joins(fl))
		begin(fl);
	fl->is_ending = false;
	if (fl->job == NULL && fl->disk != DISK_WAITING)
		q->is_todo = true;
	if (q->is_todo || mode == QUEUE_MODE_VERDICT ||
	    fl->disk == DISK_WAITING)
		queue_rescheduled(q);
}

void
queue_draft_on_taken(struct queue_draft *d, void (*taken)(void *ctx), void *ctx)
{
	if (d->fl == NULL)
		return;
	d->fl->taken = taken;
	d->fl->taken_ctx = ctx;
}

void
queue_draft_free(struct queue_draft *d)
{
	if (d == NULL)
		return;
	if (d->fl != NULL) { /* nobody waits any more */
		struct flight *fl = d->fl;

		fl->draft_handle = NULL;
		fl->told = NULL;
		fl->taken = NULL;
		fl->client = CLIENT_GONE;
	}
	if (d->e != NULL) {
		d->q->store->ops->draft_free(d->spill);
		entry_free(d->q, d->e);
	}
	buf_clear(&d->bytes);
	free(d);
}
