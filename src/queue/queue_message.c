/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a message, and what each event leads to:
 *
 *   disk      provider      client waits, and hears
 *   waiting   undecided     nothing yet; the provider has a head start
 *   writing   undecided     nothing yet
 *   safe      undecided     SAFE; in verdict mode, when it has waited enough
 *   any       took all      SAFE, with the provider's words; the file goes
 *   any       refused all   REFUSED, with its words; the file goes
 *   writing   later, mixed  nothing yet
 *   safe      later, mixed  SAFE
 *   lost      undecided     nothing, until the delivery ends or a grace is over
 *   lost      later, mixed  FAILED; nothing of it stays
 *
 * Lost, with some recipients served and some not: FAILED too.  The client will
 * send it again to all of them, and some get it twice; the other way round,
 * somebody would not get it at all.
 */
#include "queue/queue_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* What is called back when everything else is done. */
struct calls {
	void (*on_accepted)(void *ctx, const struct queue_told *t);
	void *accepted_ctx;
	struct queue_told t;
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	void (*on_marked)(void *ctx);
	void *marked_ctx;
};

struct queue_message *
message_get(struct queue *q, struct entry *e)
{
	struct queue_message *msg = e->msg;

	if (msg != NULL)
		return msg;
	msg = xcalloc(1, sizeof(*msg));
	msg->q = q;
	msg->e = e;
	msg->attempt.claim.msg = msg;
	buf_init(&msg->disk.notes, STORE_HEADER_MAX);
	list_init(&msg->client.link);
	list_append(&q->messages, &msg->link);
	e->msg = msg;
	return msg;
}

void
message_charge(struct queue_message *msg)
{
	msg->body.charged = msg->body.bytes != NULL
				? (size_t)msg->e->size_bytes + 1024
				: QUEUE_FRESH_FILE;
	msg->q->fresh.bytes += msg->body.charged;
}

/* A provider that is away, or slow: what waits for it is read from the disk when
 * its turn comes, and does not lie in memory until then. */
int64_t
fresh_tick(struct queue *q)
{
	int64_t now = queue_now(q);

	if (q->fresh.bytes > q->fresh.peak)
		q->fresh.peak = q->fresh.bytes;
	if (q->fresh.bytes == 0 && q->fresh.peak < QUEUE_TRIM_BYTES)
		return INT64_MAX;
	if (now < q->fresh.look_ms)
		return q->fresh.look_ms;
	q->fresh.look_ms = now + QUEUE_FRESH_MS;
	list_foreach (it, &q->messages) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, link);

		if (!msg->body.is_fresh || msg->attempt.is_active ||
		    msg->disk.job != NULL || msg->disk.state != DISK_SAFE ||
		    msg->client.state != CLIENT_TOLD ||
		    now - msg->body.fresh_ms < QUEUE_FRESH_MS)
			continue;
		msg->body.is_fresh = false;
		message_advance(msg); /* may free it */
	}
	if (q->fresh.peak - q->fresh.bytes >= QUEUE_TRIM_BYTES)
		xtrim();
	q->fresh.peak = q->fresh.bytes;
	return q->fresh.bytes > 0 ? q->fresh.look_ms : INT64_MAX;
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
	if (msg->body.loaded != NULL)
		msg->q->store->ops->message_free(msg->body.loaded);
	msg->body.loaded = NULL;
}

void
message_drop_content(struct queue_message *msg)
{
	message_drop_message(msg);
	envelope_free(msg->env);
	msg->env = NULL;
}

void
message_drop_answers(struct queue_message *msg)
{
	free(msg->attempt.offered);
	free(msg->attempt.unanswered);
	msg->attempt.offered = NULL;
	msg->attempt.unanswered = NULL;
	if (msg->attempt.answers == NULL)
		return;
	for (size_t i = 0; i < msg->e->nrcpts; i++)
		free(msg->attempt.answers[i]);
	free(msg->attempt.answers);
	msg->attempt.answers = NULL;
}

void
message_free(struct queue_message *msg)
{
	if (msg == NULL)
		return;
	if (msg->join.lines > 0)
		carrier_abandon(msg);
	pace_attempt_over(msg);
	pace_store_over(msg);
	message_drop_answers(msg);
	message_drop_content(msg);
	if (msg->client.draft != NULL)
		msg->client.draft->msg = NULL;
	buf_clear(&msg->disk.notes);
	list_remove(&msg->client.link);
	list_remove(&msg->link);
	msg->e->msg = NULL;
	free(msg);
}

void
message_noted(struct queue_message *msg, bool ok)
{
	struct err err;

	if (ok)
		return;
	err_set(&err, ERR_SYSTEM, "the journal has grown too long");
	queue_trouble(msg->q, msg->e->id, &err);
}

/* --- the client ----------------------------------------------------------- */

/* In verdict mode: is there still something to wait for? */
static bool
may_get_verdict(const struct queue_message *msg)
{
	const struct entry *e = msg->e;

	if (msg->client.mode != QUEUE_MODE_VERDICT ||
	    queue_now(msg->q) >= msg->client.verdict_by_ms)
		return false;
	if (msg->attempt.is_active)
		return true;
	if (msg->attempt.result != RESULT_NONE &&
	    msg->attempt.result != RESULT_UNTRIED)
		return false;
	return e->account >= 0 && !e->is_held &&
	       e->times.next_ms < msg->client.verdict_by_ms;
}

/* The disk has failed: may the provider still save it? */
static bool
may_be_rescued(const struct queue_message *msg)
{
	if (msg->attempt.is_active)
		return true;
	return msg->attempt.result == RESULT_NONE &&
	       msg->client.mode != QUEUE_MODE_QUEUE && msg->e->account >= 0 &&
	       queue_now(msg->q) < msg->client.grace_ms;
}

bool
message_can_tell(const struct queue_message *msg)
{
	if (msg->client.state == CLIENT_TOLD || msg->client.is_ending)
		return false;
	if (msg->attempt.result == RESULT_SENT || msg->attempt.is_refused)
		return true;
	switch (msg->disk.state) {
	case DISK_WAITING:
	case DISK_WRITING:
		return false;
	case DISK_LOST:
		return !may_be_rescued(msg);
	case DISK_SAFE:
		break;
	}
	/* What is promised from here on must be known as offered, if it is. */
	return msg->attempt.mark == MARK_NONE && !may_get_verdict(msg);
}

int64_t
message_deadline(const struct queue_message *msg)
{
	if (msg->client.state == CLIENT_TOLD ||
	    msg->disk.state == DISK_WRITING ||
	    (msg->disk.state == DISK_SAFE && msg->attempt.mark != MARK_NONE))
		return INT64_MAX;
	if (msg->disk.state == DISK_WAITING)
		return msg->race.store_at_ms;
	if (msg->disk.state == DISK_LOST)
		return msg->attempt.is_active ? INT64_MAX
					      : msg->client.grace_ms;
	return msg->client.verdict_by_ms;
}

static void
tell_client(struct queue_message *msg, struct calls *c)
{
	struct queue_told t = { .outcome = QUEUE_SAFE };
	bool is_gone = msg->client.state == CLIENT_GONE;

	if (msg->attempt.is_refused || msg->attempt.result == RESULT_SENT)
		t.verdict = msg->attempt.verdict;
	if (msg->attempt.is_refused) {
		t.outcome = QUEUE_REFUSED;
		msg->is_dropped = true;
	} else if (msg->disk.state == DISK_LOST &&
		   msg->attempt.result != RESULT_SENT) {
		t.outcome = QUEUE_FAILED;
		t.err = msg->disk.err;
		msg->is_dropped = true;
	}
	/* Nobody else will say that the disk has failed. */
	if (msg->disk.state == DISK_LOST &&
	    (is_gone || t.outcome != QUEUE_FAILED))
		queue_trouble(msg->q, msg->e->id, &msg->disk.err);
	memcpy(t.folded_into, msg->join.into, sizeof(msg->join.into));
	if (!is_gone) {
		c->on_accepted = msg->client.on_accepted;
		c->accepted_ctx = msg->client.accepted_ctx;
		c->t = t;
	}
	msg->client.state = CLIENT_TOLD;
	list_remove(&msg->client.link);
	msg->client.on_accepted = NULL;
	msg->client.on_taken = NULL;
	if (msg->client.draft != NULL)
		msg->client.draft->msg = NULL;
	msg->client.draft = NULL;
}

/* --- the disk ------------------------------------------------------------- */

static void
submit_notes(struct queue_message *msg, enum job_kind kind)
{
	struct job *j = job_new(msg->q, kind, msg);
	struct buf swap = j->text;

	j->text = msg->disk.notes;
	msg->disk.notes = swap;
	j->must_sync = msg->disk.must_sync || kind != JOB_APPEND;
	j->folds = msg->join.lines;
	msg->disk.must_sync = false;
	job_submit(j);
}

static enum store_place
place_of(const struct entry *e)
{
	return e->in_failed ? STORE_FAILED : STORE_QUEUE;
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
	return msg->q->store->ops->append(
	    msg->q->store, place_of(msg->e), msg->e->id, lines, false, err);
}

void
message_write_mark(struct queue_message *msg)
{
	struct err err;

	if (msg->attempt.mark != MARK_UNWRITTEN || msg->disk.job != NULL ||
	    msg->disk.state != DISK_SAFE)
		return;
	if (msg->disk.must_sync) {
		msg->attempt.mark = MARK_WRITING;
		submit_notes(msg, JOB_APPEND);
		return;
	}
	msg->attempt.mark = MARK_NONE;
	if (append_now(msg, buf_bytes(&msg->disk.notes), &err) == 0)
		buf_reset(&msg->disk.notes);
	else /* they go with the next ones */
		queue_trouble(msg->q, msg->e->id, &err);
}

void
message_write_notes(struct queue_message *msg)
{
	struct err err;

	if (buf_len(&msg->disk.notes) == 0 || !may_write_now(msg))
		return;
	if (append_now(msg, buf_bytes(&msg->disk.notes), &err) != 0) {
		queue_trouble(msg->q, msg->e->id, &err);
		return;
	}
	msg->attempt.mark = MARK_NONE;
	buf_reset(&msg->disk.notes);
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
	if (append_now(msg, buf_bytes(&line), &err) != 0) {
		queue_trouble(q, e->id, &err);
		if (q->store->ops->remove(q->store, place_of(e), e->id, &err) !=
		    0)
			queue_trouble(q, e->id, &err);
	}
	msg->disk.is_done_noted = true;
	buf_clear(&line);
}

/* Nothing of it is to stay.  Frees the entry, now or when the job is back. */
static void
discard(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	entry_unwait(q, e);
	entry_unlist(q, e);
	e->is_gone = true;
	message_write_done(msg);
	if (msg->disk.job != NULL)
		return;
	if (msg->attempt.on_durable != NULL && msg->disk.state == DISK_SAFE) {
		msg->disk.must_sync = true;
		submit_notes(
		    msg, JOB_APPEND); /* and settle when that is back */
		return;
	}
	if (msg->disk.state == DISK_SAFE)
		removal_add(q, place_of(e), e->id);
	entry_free(q, e); /* which removes an unfinished file */
}

/* No job is under way, the file is safe, and nothing has to be written. */
static void
rest(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	if (!due_is_in_heap(&e->node))
		entry_wait(q, e);
	if (msg->attempt.is_active || msg->client.state != CLIENT_TOLD)
		return;
	if (msg->disk.is_unsaved)
		message_drop_message(msg);
	else if (!msg->body.is_fresh || q->fresh.bytes > QUEUE_FRESH_MAX)
		message_free(msg);
}

/* One step, or none if a job is under way; may free the message. */
static void
work_on_disk(struct queue_message *msg)
{
	if (msg->attempt.is_active || msg->client.is_ending)
		return;
	if (msg->join.into[0] != '\0') {
		if (msg->client.state == CLIENT_TOLD)
			entry_free(msg->q, msg->e); /* no file of its own */
		return;
	}
	if (msg->is_dropped || msg->attempt.result == RESULT_SENT) {
		discard(msg);
		return;
	}
	if (msg->disk.job != NULL || msg->disk.state == DISK_WRITING)
		return;
	if (msg->disk.state == DISK_WAITING) {
		message_store(msg);
		return;
	}
	if (msg->disk.state == DISK_LOST) {
		if (!due_is_in_heap(&msg->e->node))
			entry_wait(msg->q, msg->e);
		return;
	}
	if (msg->is_requeue)
		submit_notes(msg, JOB_REQUEUE);
	else if (msg->attempt.result == RESULT_FAILED)
		submit_notes(msg, JOB_FAIL);
	else if (buf_len(&msg->disk.notes) > 0 && !msg->disk.is_unsaved)
		submit_notes(msg, JOB_APPEND);
	else
		rest(msg);
}

/* What is to go need not come. */
static void
cancel_store(struct queue_message *msg)
{
	if (!msg->attempt.is_active &&
	    (msg->is_dropped || msg->attempt.result == RESULT_SENT) &&
	    msg->disk.job != NULL && msg->disk.job->kind == JOB_STORE &&
	    job_cancel(msg->disk.job))
		msg->disk.state =
		    DISK_LOST; /* never began, so nothing is there */
}

static void
tell_durable(struct queue_message *msg, struct calls *c)
{
	bool is_written = msg->disk.job == NULL &&
			  msg->disk.state == DISK_SAFE &&
			  (buf_len(&msg->disk.notes) == 0 ||
			      msg->disk.is_unsaved);

	if (msg->attempt.on_durable == NULL || msg->attempt.is_active ||
	    (msg->attempt.must_be_durable && msg->disk.state != DISK_LOST &&
		!is_written))
		return;
	c->on_durable = msg->attempt.on_durable;
	c->durable_ctx = msg->attempt.durable_ctx;
	msg->attempt.on_durable = NULL;
	msg->attempt.must_be_durable = false;
}

static void
tell_marked(struct queue_message *msg, struct calls *c)
{
	if (msg->attempt.on_marked == NULL || msg->attempt.mark != MARK_NONE)
		return;
	c->on_marked = msg->attempt.on_marked;
	c->marked_ctx = msg->attempt.marked_ctx;
	msg->attempt.on_marked = NULL;
}

void
message_advance(struct queue_message *msg)
{
	struct calls c = { 0 };

	if (msg->client.is_ending)
		return;
	message_write_mark(msg);
	if (message_can_tell(msg))
		tell_client(msg, &c);
	cancel_store(msg);
	tell_durable(msg, &c);
	tell_marked(msg, &c);
	work_on_disk(msg); /* msg may be gone */
	if (c.on_marked != NULL)
		c.on_marked(c.marked_ctx);
	if (c.on_durable != NULL)
		c.on_durable(c.durable_ctx);
	if (c.on_accepted != NULL)
		c.on_accepted(c.accepted_ctx, &c.t);
}

/* --- jobs come back ------------------------------------------------------- */

static void
store_done(struct queue_message *msg, struct job *j)
{
	struct queue *q = msg->q;

	if (j->rc == 0) {
		msg->disk.state = DISK_SAFE;
		q->bad_disk.failures = 0;
		pace_stored(msg);
		/* Only now has message_deadline() a date: whoever turns the
		 * queue must hear of it, or the client waits for ever. */
		queue_rescheduled(q);
		return;
	}
	msg->disk.state = DISK_LOST;
	msg->disk.err = j->err;
	msg->client.grace_ms = queue_now(q) + QUEUE_GRACE_MS;
	if (msg->client.mode == QUEUE_MODE_VERDICT &&
	    msg->client.verdict_by_ms > msg->client.grace_ms)
		msg->client.grace_ms = msg->client.verdict_by_ms;
	queue_disk_failed(q);
	queue_rescheduled(q);
}

/* The disk is full, perhaps.  Who has been served must not be served again
 * meanwhile, so the envelope stays in memory, and the lines go with the next
 * ones. */
static void
append_done(struct queue_message *msg, struct job *j)
{
	if (msg->attempt.mark == MARK_WRITING)
		msg->attempt.mark =
		    MARK_NONE; /* or it would wait for the disk */
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
	msg->attempt.result = RESULT_NONE;
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
	e->is_held = false;
	entry_count(msg->q, e);
	e->is_untold = false;
	e->is_delay_told = false;
	e->attempts = 0;
	e->times.life_from_s = queue_wall(msg->q) / 1000;
	e->times.born_ms = e->times.next_ms = queue_now(msg->q);
	entry_noted(e, 0);
}

void
message_job_done(struct queue_message *msg, struct job *j)
{
	msg->disk.job = NULL;
	if (j->folds > 0)
		carrier_written(msg, j);
	if (j->rc != 0 && j->kind != JOB_STORE)
		queue_trouble(msg->q, msg->e->id, &j->err);
	switch (j->kind) {
	case JOB_STORE:
		store_done(msg, j);
		pace_store_over(msg);
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
	case JOB_REMOVE:
	case JOB_SYNC:
	case JOB_STATE:
	case JOB_DROPS:
		break;
	}
	message_tell_people(msg);
	if (msg->client.is_ending)
		msg->q->is_todo = true;
	else
		message_advance(msg);
}
