/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the disk has of a message, and is about to get. */
#include "queue/inside.h"

#include <assert.h>

enum {
	GRACE_MS = 10 * 1000
}; /* a provider may still rescue what the disk refused */

void
message_noted(struct queue_message *msg, bool ok)
{
	struct err err;

	if (ok)
		return;
	err_set(&err, ERR_SYSTEM, "the journal has grown too long");
	queue_trouble(msg->q, msg->e->id, &err);
}

/* The header is made here, so that the job needs no envelope: that one now
 * belongs to its delivery. */
void
message_store(struct queue_message *msg)
{
	struct job *j = job_new(msg->q, JOB_STORE, msg, message_job_done);
	struct buf swap;
	struct err err;
	int rc;

	msg->disk.job = j;
	if (msg->body.draft != NULL) {
		rc = msg->q->store->ops->draft_end(
		    msg->body.draft, msg->env, &err);
		j->store.draft = msg->body.draft;
	} else {
		rc = store_text_header(
			 &j->text, STORE_TEXT_MESSAGE, msg->env, 0)
			 ? 0
			 : err_set(&err, ERR_INPUT, "the envelope is too long");
		j->store.message = bytes_of(
		    msg->body.bytes, (size_t)msg->e->size_bytes);
	}
	/* Limits make envelopes of megabytes impossible long before. */
	assert(rc == 0);
	/* What is known by now is in the file from the start, and is durable
	 * with it. */
	swap = j->store.notes;
	j->store.notes = msg->disk.notes;
	msg->disk.notes = swap;
	j->fold_lines = msg->fold.lines;
	msg->disk.must_sync = false;
	msg->disk.mark = MARK_NONE;
	msg->disk.state = DISK_WRITING;
	head_start_store_begun(msg);
	job_submit(j);
}

void
message_begin(struct queue_message *msg)
{
	if (head_start_begin(msg) > 0)
		msg->disk.state = DISK_WAITING;
	else
		message_store(msg);
}

void
message_set_carried(struct queue_message *msg)
{
	msg->disk.state = DISK_WRITING;
}

void
message_set_stored(struct queue_message *msg, const struct err *why)
{
	msg->disk.state = why == NULL ? DISK_SAFE : DISK_LOST;
	if (why != NULL)
		msg->disk.err = *why;
}

void
message_must_sync(struct queue_message *msg)
{
	msg->disk.must_sync = true;
}

void
message_save_again(struct queue_message *msg)
{
	msg->disk.is_unsaved = false;
}

void
message_submit(struct queue_message *msg, enum job_kind kind)
{
	struct job *j = job_new(msg->q, kind, msg, message_job_done);
	struct buf swap = j->text;

	msg->disk.job = j;
	j->text = msg->disk.notes;
	msg->disk.notes = swap;
	j->must_sync = msg->disk.must_sync || kind != JOB_APPEND;
	j->fold_lines = msg->fold.lines;
	msg->disk.must_sync = false;
	job_submit(j);
}

/* There is a file, or will be, and no job may be adding to it. */
static bool
may_write_now(const struct queue_message *msg)
{
	if (msg->disk.job == NULL)
		return msg->disk.state == DISK_SAFE;
	return msg->disk.job->kind == JOB_STORE;
}

/* Without a sync it goes no further than the page cache, in less time than
 * another thread takes to wake up; and that is what a kill leaves. */
static int
append_now(struct queue_message *msg, struct bytes lines, struct err *err)
{
	if (msg->disk.job != NULL && job_add_notes(msg->disk.job, lines))
		return 0;
	assert(!msg->q->store->is_remote);
	return msg->q->store->ops->append(
	    msg->q->store, entry_place(msg->e), msg->e->id, lines, false, err);
}

void
message_write_mark(struct queue_message *msg)
{
	struct err err;

	if (msg->disk.mark != MARK_UNWRITTEN || msg->disk.job != NULL ||
	    msg->disk.state != DISK_SAFE)
		return;
	if (msg->disk.must_sync || msg->q->store->is_remote) {
		msg->disk.mark = MARK_WRITING;
		message_submit(msg, JOB_APPEND);
		return;
	}
	msg->disk.mark = MARK_NONE;
	if (append_now(msg, buf_bytes(&msg->disk.notes), &err) == 0)
		buf_reset(&msg->disk.notes);
	else /* they go with the next ones */
		queue_trouble(msg->q, msg->e->id, &err);
}

/* Over a network all is written by a job.  What a job under way does not take
 * goes with the next one. */
static void
write_far(struct queue_message *msg)
{
	if (msg->disk.job == NULL) {
		if (msg->disk.mark == MARK_UNWRITTEN)
			msg->disk.mark = MARK_WRITING;
		message_submit(msg, JOB_APPEND);
	} else if (job_add_notes(msg->disk.job, buf_bytes(&msg->disk.notes))) {
		msg->disk.mark = MARK_NONE;
		buf_reset(&msg->disk.notes);
	}
}

/* All notes go to the page cache, as far as that can be done at once. */
static void
write_notes(struct queue_message *msg)
{
	struct err err;

	if (buf_len(&msg->disk.notes) == 0 || !may_write_now(msg))
		return;
	if (msg->q->store->is_remote) {
		write_far(msg);
		return;
	}
	if (append_now(msg, buf_bytes(&msg->disk.notes), &err) != 0) {
		queue_trouble(msg->q, msg->e->id, &err);
		return;
	}
	msg->disk.mark = MARK_NONE;
	buf_reset(&msg->disk.notes);
}

/* If others may find the message, they must find the mark as well: with the
 * message, while that can still take it, or else before the last byte goes. */
static bool
mark_far(struct queue_message *msg)
{
	if (msg->disk.state == DISK_WAITING || msg->disk.state == DISK_LOST)
		return true;
	if (msg->disk.job != NULL && msg->disk.job->kind == JOB_STORE)
		write_far(msg);
	message_write_mark(msg);
	return msg->disk.mark == MARK_NONE;
}

bool
message_mark(struct queue_message *msg)
{
	msg->disk.mark = MARK_UNWRITTEN;
	if (msg->q->store->is_remote)
		return mark_far(msg);
	message_write_mark(msg);
	return msg->disk.mark != MARK_WRITING;
}

void
message_write_unsynced(struct queue_message *msg, bool did_before)
{
	msg->disk.is_unsynced = msg->disk.is_unsynced || msg->disk.must_sync;
	msg->disk.must_sync = did_before;
	write_notes(msg);
}

bool
message_attempt_over(struct queue_message *msg)
{
	bool was_unsynced = msg->disk.is_unsynced;

	msg->disk.must_sync = msg->disk.must_sync || was_unsynced;
	msg->disk.is_unsynced = msg->disk.is_unsaved = false;
	msg->disk.mark = MARK_NONE;
	return was_unsynced;
}

/* A disk that takes no line may still let go of a file. */
void
message_write_done(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;
	struct err err;
	struct buf line;

	if (msg->disk.is_done_noted || !may_write_now(msg))
		return;
	buf_init(&line, 100);
	IGNORE(journal_done(&line, queue_wall(q))); /* fits */
	if (q->store->is_remote) {
		/* It goes at once, in as much time as the note would take. */
		if (msg->disk.job != NULL)
			IGNORE(job_add_notes(msg->disk.job, buf_bytes(&line)));
	} else if (append_now(msg, buf_bytes(&line), &err) != 0) {
		queue_trouble(q, e->id, &err);
		if (q->store->ops->remove(
			q->store, entry_place(e), e->id, &err) != 0)
			queue_trouble(q, e->id, &err);
	}
	msg->disk.is_done_noted = true;
	buf_clear(&line);
}

/* A message that will be removed need not be written. */
void
message_cancel_store(struct queue_message *msg)
{
	if (!msg->attempt.is_active &&
	    (msg->is_dropped || msg->attempt.result == RESULT_SENT) &&
	    msg->disk.job != NULL && msg->disk.job->kind == JOB_STORE &&
	    job_cancel(msg->disk.job)) {
		msg->disk.job = NULL;
		/* It never began, so nothing is there. */
		msg->disk.state = DISK_LOST;
	}
}

static void
store_done(struct queue_message *msg, struct job *j)
{
	struct queue *q = msg->q;

	if (j->rc == 0) {
		message_set_stored(msg, NULL);
		q->bad_disk.failures = 0;
		head_start_stored(msg);
		/* Only now message_deadline() has a date: the driver of the
		 * queue must hear of it, or the client waits for ever. */
		queue_rescheduled(q);
		return;
	}
	message_set_stored(msg, &j->err);
	msg->disk.mark = MARK_NONE; /* there is nothing to be marked */
	message_set_grace(msg, queue_now(q) + GRACE_MS);
	queue_disk_failed(q);
	queue_rescheduled(q);
}

/* The disk is full, perhaps.  Who has been served must not be served again
 * meanwhile, so the envelope stays in memory, and the lines go with the next
 * ones. */
static void
append_done(struct queue_message *msg, struct job *j)
{
	if (j->rc != 0 && msg->q->store->is_remote &&
	    msg->disk.mark == MARK_WRITING)
		message_deny(msg);
	if (msg->disk.mark == MARK_WRITING)
		msg->disk.mark = MARK_NONE; /* or it would wait for the disk */
	if (j->rc == 0)
		return;
	message_noted(msg, buf_add(&j->text, buf_str(&msg->disk.notes),
			       buf_len(&msg->disk.notes)));
	buf_reset(&msg->disk.notes);
	message_noted(msg,
	    buf_add(&msg->disk.notes, buf_str(&j->text), buf_len(&j->text)));
	msg->disk.must_sync = msg->disk.must_sync || j->must_sync;
	msg->disk.is_unsaved = msg->env != NULL;
	if (!msg->disk.is_unsaved) /* of a hold or release; memory knows it */
		buf_reset(&msg->disk.notes);
}

static void
fail_done(struct queue_message *msg, struct job *j)
{
	struct entry *e = msg->e;

	e->in_failed = j->place == STORE_FAILED;
	e->is_failed = true;
	entry_count(msg->q, e);
	message_forget_attempt(msg);
	message_drop_content(msg);
}

static void
requeue_done(struct queue_message *msg, struct job *j)
{
	struct entry *e = msg->e;

	bool has_moved = e->in_failed && j->place == STORE_QUEUE;

	msg->is_requeue = false;
	e->in_failed = j->place == STORE_FAILED;
	/* Moved, if perhaps not for good: then it is worth the try. */
	if (j->rc != 0 && !has_moved)
		return;
	e->is_failed = false;
	entry_set_held(msg->q, e, false);
	e->is_untold = false;
	e->is_delay_told = false;
	e->attempts = 0;
	e->next_rcpt = 0;
	e->times.life_from_s = queue_wall(msg->q) / 1000;
	e->times.born_ms = e->times.next_ms = queue_now(msg->q);
	entry_noted(e, 0);
}

void
message_disk_done(struct queue_message *msg, struct job *j)
{
	msg->disk.job = NULL;
	if (j->rc != 0 && j->kind != JOB_STORE && j->err.class == ERR_LOST) {
		message_deny(msg);
		msg->disk.mark = MARK_NONE;
		message_set_lost(msg);
		return;
	}
	if (j->rc != 0 && j->kind != JOB_STORE)
		queue_trouble(msg->q, msg->e->id, &j->err);
	switch (j->kind) {
	case JOB_STORE:
		store_done(msg, j);
		head_start_store_over(msg);
		break;
	case JOB_FAIL:
		fail_done(msg, j);
		break;
	case JOB_REQUEUE:
		requeue_done(msg, j);
		break;
	case JOB_APPEND:
		append_done(msg, j);
		break;
	case JOB_SET_ASIDE:
	case JOB_REMOVE:
	case JOB_SYNC:
	case JOB_STATE:
	case JOB_DROPS:
	case JOB_FETCH:
	case JOB_HEARTBEAT:
	case JOB_ASK:
		break;
	}
}

void
queue_disk_failed(struct queue *q)
{
	q->bad_disk.failures++;
	q->bad_disk.failed_ms = queue_now(q);
}

void
message_store_due(struct queue *q)
{
	int64_t now = queue_now(q);

	list_foreach (it, &q->clients) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, client.link);

		if (msg->disk.state == DISK_WAITING &&
		    msg->head_start.store_at_ms <= now)
			message_store(msg);
	}
}
