/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	/* R45: so many messages in a row that the disk did not keep, and
	 * nothing is accepted until this time has passed. */
	BAD_DISK_AFTER = 3,
	BAD_DISK_MS = 60 * 1000,
	/* A person is told of a disk that takes nothing. */
	TELL_DISK_MS = 60 * 60 * 1000
};

static bool
has_room(struct queue *q, uint64_t size_bytes, struct err *err)
{
	/* What a remote store cannot take the provider may. */
	if (q->bad_disk.failures >= BAD_DISK_AFTER && !q->store->is_remote &&
	    queue_now(q) < q->bad_disk.failed_ms + BAD_DISK_MS) {
		err_set(err, ERR_DISK,
		    "the disk of the spool %s has failed %u times in a row; no "
		    "messages are accepted for now",
		    q->store->name, q->bad_disk.failures);
		return false;
	}
	return q->store->ops->has_room(q->store, size_bytes, err);
}

/* A full disk has room for one message now and for none a moment later, so
 * what counts is the time since a person was told. */
bool
queue_has_room(struct queue *q, uint64_t size_bytes, struct err *err)
{
	if (has_room(q, size_bytes, err))
		return true;
	if (q->bad_disk.told_ms == 0 ||
	    queue_now(q) >= q->bad_disk.told_ms + TELL_DISK_MS) {
		q->bad_disk.told_ms = queue_now(q);
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

/* Its way through the queue. */
static void
begin(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	entry_list(q, e);
	entry_route(q, e, msg->env);
	message_begin(msg);
	if (msg->client.mode != QUEUE_MODE_QUEUE && e->account >= 0)
		queue_wake(q, e->account, entry_heap(e), true);
	entry_wait(q, e);
}

void
queue_draft_end(struct queue_draft *d, const struct envelope *env,
    enum queue_mode mode, int64_t verdict_by_ms,
    void (*on_accepted)(void *ctx, const struct queue_told *t), void *ctx)
{
	struct queue *q = d->q;
	struct entry *e;
	struct queue_message *msg;

	assert(d->e != NULL && env->nrcpts > 0);
	d->e = e = entry_name(q, d->e, env);
	msg = message_get(q, e);
	msg->env = envelope_dup(env);
	memcpy(msg->env->id, e->id, QID_SIZE);
	if (msg->env->arrived_s == 0)
		msg->env->arrived_s = queue_wall(q) / 1000;
	else
		msg->env->arrived_s += q->remote.wall_ahead_ms / 1000;
	message_take_content(msg, d);
	message_waits(msg, d, mode, verdict_by_ms);
	message_calls(msg, on_accepted, ctx);
	d->msg = msg;
	d->e = NULL;

	e->times.next_ms = queue_now(q);
	if (mode == QUEUE_MODE_QUEUE)
		e->times.next_ms += retry_wait_ms(&q->retry, 1, q->o.rng);
	if (!message_ask_gate(msg))
		begin(msg);
	message_set_ready(msg);
	if (msg->disk.job == NULL && msg->disk.state != DISK_WAITING)
		q->is_todo = true;
	if (q->is_todo || mode == QUEUE_MODE_VERDICT ||
	    msg->disk.state == DISK_WAITING)
		queue_rescheduled(q);
}

void
queue_draft_on_taken(
    struct queue_draft *d, void (*on_taken)(void *ctx), void *ctx)
{
	if (d->msg != NULL)
		message_calls_taken(d->msg, on_taken, ctx);
}

void
queue_draft_free(struct queue_draft *d)
{
	if (d == NULL)
		return;
	if (d->msg != NULL)
		message_client_leaves(d->msg);
	if (d->e != NULL) {
		d->q->store->ops->draft_free(d->spill);
		message_forget(d->q, d->e);
	}
	buf_clear(&d->bytes);
	free(d);
}
