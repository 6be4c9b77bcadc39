/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept in memory of what a message says. */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	/* What an open file counts for in QUEUE_FRESH_MAX. */
	FRESH_FILE = 256 * 1024,
	/* What is not tried is not kept much longer than that. */
	FRESH_MS = 10 * 1000,
	/* With so much less of it freed memory goes back to the system. */
	TRIM_BYTES = 1024 * 1024
};

void
message_set_fresh(struct queue_message *msg)
{
	msg->body.is_fresh = true;
	msg->body.fresh_ms = queue_now(msg->q);
	msg->body.charged = msg->body.bytes != NULL
				? (size_t)msg->e->size_bytes + 1024
				: FRESH_FILE;
	msg->q->fresh.bytes += msg->body.charged;
}

/* A provider that is away, or slow: what waits for it is read from the disk
 * when its turn comes, and does not lie in memory until then. */
int64_t
fresh_tick(struct queue *q)
{
	int64_t now = queue_now(q);

	if (q->fresh.bytes > q->fresh.peak)
		q->fresh.peak = q->fresh.bytes;
	if (q->fresh.bytes == 0 && q->fresh.peak < TRIM_BYTES)
		return INT64_MAX;
	if (now < q->fresh.look_ms)
		return q->fresh.look_ms;
	q->fresh.look_ms = now + FRESH_MS;
	list_foreach (it, &q->messages) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, link);

		if (!msg->body.is_fresh || msg->attempt.is_active ||
		    msg->disk.job != NULL || msg->disk.state != DISK_SAFE ||
		    msg->client.state != CLIENT_TOLD ||
		    now - msg->body.fresh_ms < FRESH_MS)
			continue;
		msg->body.is_fresh = false;
		remote_store_used(msg);
		message_advance(msg); /* may free it */
	}
	if (q->fresh.peak - q->fresh.bytes >= TRIM_BYTES)
		xtrim();
	q->fresh.peak = q->fresh.bytes;
	return q->fresh.bytes > 0 ? q->fresh.look_ms : INT64_MAX;
}

static void
message_drop_loaded(struct queue_message *msg)
{
	if (msg->body.loaded != NULL)
		msg->q->store->ops->message_free(msg->body.loaded);
	msg->body.loaded = NULL;
}

void
message_drop_message(struct queue_message *msg)
{
	msg->q->fresh.bytes -= msg->body.charged;
	msg->body.charged = 0;
	msg->body.is_fresh = false;
	free(msg->body.bytes);
	msg->body.bytes = NULL;
	msg->q->store->ops->draft_free(msg->body.draft);
	msg->body.draft = NULL;
	message_drop_loaded(msg);
	msg->body.is_here = false;
	remote_store_used(msg);
}

void
message_drop_content(struct queue_message *msg)
{
	message_drop_message(msg);
	envelope_free(msg->env);
	msg->env = NULL;
}

void
message_take_content(struct queue_message *msg, struct queue_draft *d)
{
	struct entry *e = msg->e;

	if (d->spill != NULL) {
		msg->env->size_bytes = d->spill->size_bytes;
		msg->body.draft = d->spill;
		d->spill = NULL;
	} else {
		msg->env->size_bytes = buf_len(&d->bytes);
		msg->body.bytes = buf_steal(&d->bytes);
	}
	entry_describe(e, msg->env);
	message_set_fresh(msg);
}

void
message_set_stale(struct queue_message *msg)
{
	msg->body.is_fresh = false;
}

/* --- content from the disk ------------------------------------------------ */

/* The whole of a small message, its checksum verified. */
static int
slurp(struct queue_message *msg, struct err *err)
{
	size_t size = (size_t)msg->env->size_bytes, n = 0;

	msg->body.bytes = xmalloc(size + 1);
	for (size_t at = 0; at == 0 || at < size; at += n) {
		if (msg->q->store->ops->message_read(msg->body.loaded, at,
			msg->body.bytes + at, size - at, &n, err) != 0)
			return -1;
		if (n == 0)
			break;
	}
	msg->q->store->ops->message_free(msg->body.loaded);
	msg->body.loaded = NULL;
	return 0;
}

bool
queue_sets_aside(struct queue *q, const char *id)
{
	list_foreach (it, &q->jobs.list) {
		const struct job *j = list_entry(it, struct job, link);

		if (j->kind == JOB_SET_ASIDE && strcmp(j->id, id) == 0)
			return true;
	}
	return false;
}

static void
set_aside_done(struct job *j)
{
	if (j->place == STORE_CORRUPT)
		err_ctx(&j->err, "moved to corrupt/");
	else
		err_ctx(&j->err, "left in place, because it cannot be moved");
	queue_trouble(j->q, j->id, &j->err);
}

void
queue_set_aside(struct queue *q, enum store_place place, const char *id,
    const struct err *why)
{
	struct job *j;

	j = job_new(q, JOB_SET_ASIDE, NULL, set_aside_done);
	j->place = place;
	memcpy(j->id, id, QID_SIZE);
	j->err = *why;
	job_submit(j);
}

void
message_cannot_load(
    struct queue_message *msg, enum store_result res, struct err *why)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	if (res == STORE_ERROR) { /* perhaps later */
		queue_trouble(q, e->id, why);
		if (msg->disk.is_unsaved)
			message_drop_message(msg);
		else
			message_drop_content(msg);
		e->times.next_ms = queue_now(q) +
				   (q->store->is_remote ? QUEUE_AWAY_MS
							: QUEUE_UNREADABLE_MS);
		entry_wait(q, e);
		message_advance(msg);
		return;
	}
	if (res == STORE_GONE && q->store->is_remote) {
		message_set_lost(msg);
	} else if (res == STORE_GONE) {
		err_set(why, ERR_DISK, "it has been removed from the spool");
		queue_trouble(q, e->id, why);
	} else {
		if (res == STORE_UNFINISHED)
			err_set(why, ERR_DISK, "it has become shorter");
		queue_set_aside(q, entry_place(e), e->id, why);
	}
	message_forget(q, e);
}

bool
message_is_here(const struct queue_message *msg)
{
	return msg->env != NULL &&
	       (msg->body.bytes != NULL || msg->body.draft != NULL ||
		   msg->body.is_here);
}

bool
message_take_loaded(struct queue_message *msg, struct store_message *m)
{
	struct err err;

	message_drop_loaded(msg);
	msg->body.loaded = m;
	if (msg->env == NULL) /* else it knows more than the store */
		msg->env = store_message_take_envelope(m);
	msg->body.is_here = true;
	return msg->env->size_bytes > QUEUE_MEMORY_MAX || slurp(msg, &err) == 0;
}

bool
message_load(struct queue_message *msg, bool with_body)
{
	struct err err;
	struct store_message *m;
	enum store_result res;

	if (msg->env != NULL && (!with_body || message_is_here(msg)))
		return true;
	res = msg->q->store->ops->load(
	    msg->q->store, entry_place(msg->e), msg->e->id, &m, &err);
	if (res != STORE_OK) {
		message_cannot_load(msg, res, &err);
		return false;
	}
	message_drop_loaded(msg);
	msg->body.loaded = m;
	if (msg->env == NULL) /* else it knows more than the disk */
		msg->env = store_message_take_envelope(m);
	if (with_body && msg->env->size_bytes <= QUEUE_MEMORY_MAX &&
	    slurp(msg, &err) != 0) {
		message_cannot_load(
		    msg, m->is_damaged ? STORE_DAMAGED : STORE_ERROR, &err);
		return false;
	}
	return true;
}
