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
	void (*told)(void *ctx, const struct queue_told *t);
	void *told_ctx;
	struct queue_told t;
	void (*settled)(void *ctx);
	void *settled_ctx;
	void (*noted)(void *ctx);
	void *noted_ctx;
};

struct flight *
flight_get(struct queue *q, struct entry *e)
{
	struct flight *fl = e->fl;

	if (fl != NULL)
		return fl;
	fl = xcalloc(1, sizeof(*fl));
	fl->q = q;
	fl->e = e;
	fl->delivery.fl = fl;
	buf_init(&fl->notes, STORE_HEADER_MAX);
	list_init(&fl->client_link);
	list_append(&q->flights, &fl->link);
	e->fl = fl;
	return fl;
}

void
flight_charge(struct flight *fl)
{
	fl->charged = fl->bytes != NULL ? (size_t)fl->e->size_bytes + 1024
					: QUEUE_FRESH_FILE;
	fl->q->fresh += fl->charged;
}

/* A provider that is away, or slow: what waits for it is read from the disk when
 * its turn comes, and does not lie in memory until then. */
int64_t
fresh_tick(struct queue *q)
{
	int64_t now = queue_now(q);

	if (q->fresh > q->fresh_peak)
		q->fresh_peak = q->fresh;
	if (q->fresh == 0 && q->fresh_peak < QUEUE_TRIM_BYTES)
		return INT64_MAX;
	if (now < q->fresh_look_ms)
		return q->fresh_look_ms;
	q->fresh_look_ms = now + QUEUE_FRESH_MS;
	list_foreach (it, &q->flights) {
		struct flight *fl = list_entry(it, struct flight, link);

		if (!fl->is_fresh || fl->is_active || fl->job != NULL ||
		    fl->disk != DISK_SAFE || fl->client != CLIENT_TOLD ||
		    now - fl->fresh_ms < QUEUE_FRESH_MS)
			continue;
		fl->is_fresh = false;
		flight_advance(fl); /* may free it */
	}
	if (q->fresh_peak - q->fresh >= QUEUE_TRIM_BYTES)
		xtrim();
	q->fresh_peak = q->fresh;
	return q->fresh > 0 ? q->fresh_look_ms : INT64_MAX;
}

void
flight_drop_message(struct flight *fl)
{
	fl->q->fresh -= fl->charged;
	fl->charged = 0;
	fl->is_fresh = false;
	free(fl->bytes);
	fl->bytes = NULL;
	fl->q->store->ops->draft_free(fl->draft);
	fl->draft = NULL;
	if (fl->message != NULL)
		fl->q->store->ops->message_free(fl->message);
	fl->message = NULL;
}

void
flight_drop_content(struct flight *fl)
{
	flight_drop_message(fl);
	envelope_free(fl->env);
	fl->env = NULL;
}

void
flight_drop_answers(struct flight *fl)
{
	free(fl->offered);
	free(fl->unanswered);
	fl->offered = NULL;
	fl->unanswered = NULL;
	if (fl->answers == NULL)
		return;
	for (size_t i = 0; i < fl->e->nrcpts; i++)
		free(fl->answers[i]);
	free(fl->answers);
	fl->answers = NULL;
}

void
flight_free(struct flight *fl)
{
	if (fl == NULL)
		return;
	if (fl->folds > 0)
		carrier_abandon(fl);
	pace_attempt_over(fl);
	pace_store_over(fl);
	flight_drop_answers(fl);
	flight_drop_content(fl);
	if (fl->draft_handle != NULL)
		fl->draft_handle->fl = NULL;
	buf_clear(&fl->notes);
	list_remove(&fl->client_link);
	list_remove(&fl->link);
	fl->e->fl = NULL;
	free(fl);
}

void
flight_noted(struct flight *fl, bool ok)
{
	struct err err;

	if (ok)
		return;
	err_set(&err, ERR_SYSTEM, "the journal has grown too long");
	queue_trouble(fl->q, fl->e->id, &err);
}

/* --- the client ----------------------------------------------------------- */

/* In verdict mode: is there still something to wait for? */
static bool
may_get_verdict(const struct flight *fl)
{
	const struct entry *e = fl->e;

	if (fl->mode != QUEUE_MODE_VERDICT ||
	    queue_now(fl->q) >= fl->verdict_by_ms)
		return false;
	if (fl->is_active)
		return true;
	if (fl->result != RESULT_NONE && fl->result != RESULT_UNTRIED)
		return false;
	return e->account >= 0 && !e->is_held && e->next_ms < fl->verdict_by_ms;
}

/* The disk has failed: may the provider still save it? */
static bool
may_be_rescued(const struct flight *fl)
{
	if (fl->is_active)
		return true;
	return fl->result == RESULT_NONE && fl->mode != QUEUE_MODE_QUEUE &&
	       fl->e->account >= 0 && queue_now(fl->q) < fl->grace_ms;
}

bool
flight_can_tell(const struct flight *fl)
{
	if (fl->client == CLIENT_TOLD || fl->is_ending)
		return false;
	if (fl->result == RESULT_SENT || fl->is_refused)
		return true;
	switch (fl->disk) {
	case DISK_WAITING:
	case DISK_WRITING:
		return false;
	case DISK_LOST:
		return !may_be_rescued(fl);
	case DISK_SAFE:
		break;
	}
	/* What is promised from here on must be known as offered, if it is. */
	return fl->offer == OFFER_NONE && !may_get_verdict(fl);
}

int64_t
flight_deadline(const struct flight *fl)
{
	if (fl->client == CLIENT_TOLD || fl->disk == DISK_WRITING ||
	    (fl->disk == DISK_SAFE && fl->offer != OFFER_NONE))
		return INT64_MAX;
	if (fl->disk == DISK_WAITING)
		return fl->store_at_ms;
	if (fl->disk == DISK_LOST)
		return fl->is_active ? INT64_MAX : fl->grace_ms;
	return fl->verdict_by_ms;
}

static void
tell(struct flight *fl, struct calls *c)
{
	struct queue_told t = { .outcome = QUEUE_SAFE };
	bool is_gone = fl->client == CLIENT_GONE;

	if (fl->is_refused || fl->result == RESULT_SENT)
		t.verdict = fl->verdict;
	if (fl->is_refused) {
		t.outcome = QUEUE_REFUSED;
		fl->is_dropped = true;
	} else if (fl->disk == DISK_LOST && fl->result != RESULT_SENT) {
		t.outcome = QUEUE_FAILED;
		t.err = fl->disk_err;
		fl->is_dropped = true;
	}
	/* Nobody else will say that the disk has failed. */
	if (fl->disk == DISK_LOST && (is_gone || t.outcome != QUEUE_FAILED))
		queue_trouble(fl->q, fl->e->id, &fl->disk_err);
	memcpy(t.folded_into, fl->folded_into, sizeof(fl->folded_into));
	if (!is_gone) {
		c->told = fl->told;
		c->told_ctx = fl->told_ctx;
		c->t = t;
	}
	fl->client = CLIENT_TOLD;
	list_remove(&fl->client_link);
	fl->told = NULL;
	fl->taken = NULL;
	if (fl->draft_handle != NULL)
		fl->draft_handle->fl = NULL;
	fl->draft_handle = NULL;
}

/* --- the disk ------------------------------------------------------------- */

static void
submit_notes(struct flight *fl, enum job_kind kind)
{
	struct job *j = job_new(fl->q, kind, fl);
	struct buf swap = j->text;

	j->text = fl->notes;
	fl->notes = swap;
	j->must_sync = fl->must_sync || kind != JOB_APPEND;
	j->folds = fl->folds;
	fl->must_sync = false;
	job_submit(j);
}

static enum store_place
place_of(const struct entry *e)
{
	return e->in_failed ? STORE_FAILED : STORE_QUEUE;
}

/* There is a file, or will be, and no job may be adding to it. */
static bool
may_write_now(const struct flight *fl)
{
	if (fl->job == NULL)
		return fl->disk == DISK_SAFE;
	return fl->job->kind == JOB_STORE;
}

/* Without a sync it goes no further than the page cache, in less time than
 * another thread takes to wake up; and that is what a kill leaves. */
static int
append_now(struct flight *fl, struct bytes lines, struct err *err)
{
	if (fl->job != NULL && job_add_notes(fl->job, lines))
		return 0;
	return fl->q->store->ops->append(
	    fl->q->store, place_of(fl->e), fl->e->id, lines, false, err);
}

void
flight_write_offer(struct flight *fl)
{
	struct err err;

	if (fl->offer != OFFER_UNWRITTEN || fl->job != NULL ||
	    fl->disk != DISK_SAFE)
		return;
	if (fl->must_sync) {
		fl->offer = OFFER_WRITING;
		submit_notes(fl, JOB_APPEND);
		return;
	}
	fl->offer = OFFER_NONE;
	if (append_now(fl, buf_bytes(&fl->notes), &err) == 0)
		buf_reset(&fl->notes);
	else /* they go with the next ones */
		queue_trouble(fl->q, fl->e->id, &err);
}

void
flight_write_notes(struct flight *fl)
{
	struct err err;

	if (buf_len(&fl->notes) == 0 || !may_write_now(fl))
		return;
	if (append_now(fl, buf_bytes(&fl->notes), &err) != 0) {
		queue_trouble(fl->q, fl->e->id, &err);
		return;
	}
	fl->offer = OFFER_NONE;
	buf_reset(&fl->notes);
}

/* A disk that takes no line may still let go of a file. */
void
flight_write_done(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	struct err err;
	struct buf line;

	if (fl->is_done_noted || !may_write_now(fl))
		return;
	buf_init(&line, 100);
	IGNORE(journal_done(&line, queue_wall(q))); /* fits */
	if (append_now(fl, buf_bytes(&line), &err) != 0) {
		queue_trouble(q, e->id, &err);
		if (q->store->ops->remove(q->store, place_of(e), e->id, &err) !=
		    0)
			queue_trouble(q, e->id, &err);
	}
	fl->is_done_noted = true;
	buf_clear(&line);
}

/* Nothing of it is to stay.  Frees the entry, now or when the job is back. */
static void
discard(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;

	entry_unwait(q, e);
	entry_unlist(q, e);
	e->is_gone = true;
	flight_write_done(fl);
	if (fl->job != NULL)
		return;
	if (fl->settled != NULL && fl->disk == DISK_SAFE) {
		fl->must_sync = true;
		submit_notes(fl, JOB_APPEND); /* and settle when that is back */
		return;
	}
	if (fl->disk == DISK_SAFE)
		removal_add(q, place_of(e), e->id);
	entry_free(q, e); /* which removes an unfinished file */
}

/* No job is under way, the file is safe, and nothing has to be written. */
static void
rest(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;

	if (!due_is_in_heap(&e->node))
		entry_wait(q, e);
	if (fl->is_active || fl->client != CLIENT_TOLD)
		return;
	if (fl->is_unsaved)
		flight_drop_message(fl);
	else if (!fl->is_fresh || q->fresh > QUEUE_FRESH_MAX)
		flight_free(fl);
}

/* One step, or none if a job is under way; may free the flight. */
static void
work_on_disk(struct flight *fl)
{
	if (fl->is_active || fl->is_ending)
		return;
	if (fl->folded_into[0] != '\0') {
		if (fl->client == CLIENT_TOLD)
			entry_free(fl->q, fl->e); /* no file of its own */
		return;
	}
	if (fl->is_dropped || fl->result == RESULT_SENT) {
		discard(fl);
		return;
	}
	if (fl->job != NULL || fl->disk == DISK_WRITING)
		return;
	if (fl->disk == DISK_WAITING) {
		flight_store(fl);
		return;
	}
	if (fl->disk == DISK_LOST) {
		if (!due_is_in_heap(&fl->e->node))
			entry_wait(fl->q, fl->e);
		return;
	}
	if (fl->is_requeue)
		submit_notes(fl, JOB_REQUEUE);
	else if (fl->result == RESULT_FAILED)
		submit_notes(fl, JOB_FAIL);
	else if (buf_len(&fl->notes) > 0 && !fl->is_unsaved)
		submit_notes(fl, JOB_APPEND);
	else
		rest(fl);
}

/* What is to go need not come. */
static void
cancel_store(struct flight *fl)
{
	if (!fl->is_active && (fl->is_dropped || fl->result == RESULT_SENT) &&
	    fl->job != NULL && fl->job->kind == JOB_STORE &&
	    job_cancel(fl->job))
		fl->disk = DISK_LOST; /* never began, so nothing is there */
}

static void
settle(struct flight *fl, struct calls *c)
{
	bool is_written = fl->job == NULL && fl->disk == DISK_SAFE &&
			  (buf_len(&fl->notes) == 0 || fl->is_unsaved);

	if (fl->settled == NULL || fl->is_active ||
	    (fl->must_settle && fl->disk != DISK_LOST && !is_written))
		return;
	c->settled = fl->settled;
	c->settled_ctx = fl->settled_ctx;
	fl->settled = NULL;
	fl->must_settle = false;
}

static void
go_on(struct flight *fl, struct calls *c)
{
	if (fl->noted == NULL || fl->offer != OFFER_NONE)
		return;
	c->noted = fl->noted;
	c->noted_ctx = fl->noted_ctx;
	fl->noted = NULL;
}

void
flight_advance(struct flight *fl)
{
	struct calls c = { 0 };

	if (fl->is_ending)
		return;
	flight_write_offer(fl);
	if (flight_can_tell(fl))
		tell(fl, &c);
	cancel_store(fl);
	settle(fl, &c);
	go_on(fl, &c);
	work_on_disk(fl); /* fl may be gone */
	if (c.noted != NULL)
		c.noted(c.noted_ctx);
	if (c.settled != NULL)
		c.settled(c.settled_ctx);
	if (c.told != NULL)
		c.told(c.told_ctx, &c.t);
}

/* --- jobs come back ------------------------------------------------------- */

static void
store_done(struct flight *fl, struct job *j)
{
	struct queue *q = fl->q;

	if (j->rc == 0) {
		fl->disk = DISK_SAFE;
		q->disk_failures = 0;
		pace_stored(fl);
		/* Only now has flight_deadline() a date: whoever turns the
		 * queue must hear of it, or the client waits for ever. */
		queue_rescheduled(q);
		return;
	}
	fl->disk = DISK_LOST;
	fl->disk_err = j->err;
	fl->grace_ms = queue_now(q) + QUEUE_GRACE_MS;
	if (fl->mode == QUEUE_MODE_VERDICT && fl->verdict_by_ms > fl->grace_ms)
		fl->grace_ms = fl->verdict_by_ms;
	queue_disk_failed(q);
	queue_rescheduled(q);
}

/* The disk is full, perhaps.  Who has been served must not be served again
 * meanwhile, so the envelope stays in memory, and the lines go with the next
 * ones. */
static void
append_done(struct flight *fl, struct job *j)
{
	if (fl->offer == OFFER_WRITING)
		fl->offer = OFFER_NONE; /* or it would wait for the disk */
	if (j->rc == 0)
		return;
	flight_noted(
	    fl, buf_add(&j->text, buf_str(&fl->notes), buf_len(&fl->notes)));
	buf_reset(&fl->notes);
	flight_noted(
	    fl, buf_add(&fl->notes, buf_str(&j->text), buf_len(&j->text)));
	fl->must_sync = fl->must_sync || j->must_sync;
	fl->is_unsaved = fl->env != NULL;
	if (!fl->is_unsaved) /* of a hold or release; memory knows it */
		buf_reset(&fl->notes);
}

static void
fail_done(struct flight *fl, struct job *j)
{
	struct entry *e = fl->e;

	e->in_failed = j->place == STORE_FAILED;
	e->is_failed = true;
	entry_count(fl->q, e);
	fl->result = RESULT_NONE;
	flight_drop_content(fl);
}

static void
requeue_done(struct flight *fl, struct job *j)
{
	struct entry *e = fl->e;

	bool has_moved = e->in_failed && j->place == STORE_QUEUE;

	fl->is_requeue = false;
	e->in_failed = j->place == STORE_FAILED;
	/* Moved, if perhaps not for good: then it is worth the try. */
	if (j->rc != 0 && !has_moved)
		return;
	e->is_failed = false;
	e->is_held = false;
	entry_count(fl->q, e);
	e->is_untold = false;
	e->is_delay_told = false;
	e->attempts = 0;
	e->life_from_s = queue_wall(fl->q) / 1000;
	e->born_ms = e->next_ms = queue_now(fl->q);
	entry_noted(e, 0);
}

void
flight_job_done(struct flight *fl, struct job *j)
{
	fl->job = NULL;
	if (j->folds > 0)
		carrier_written(fl, j);
	if (j->rc != 0 && j->kind != JOB_STORE)
		queue_trouble(fl->q, fl->e->id, &j->err);
	switch (j->kind) {
	case JOB_STORE:
		store_done(fl, j);
		pace_store_over(fl);
		break;
	case JOB_FAIL:
		fail_done(fl, j);
		break;
	case JOB_REQUEUE:
		requeue_done(fl, j);
		break;
	case JOB_APPEND:
		append_done(fl, j);
		break;
	case JOB_REMOVE:
	case JOB_SYNC:
	case JOB_STATE:
	case JOB_DROPS:
		break;
	}
	flight_tell_people(fl);
	if (fl->is_ending)
		fl->q->is_todo = true;
	else
		flight_advance(fl);
}
