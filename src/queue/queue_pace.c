/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message needs the provider or the disk, not both, and a sync that nobody
 * waits for slows down those that somebody waits for.  So the provider gets a
 * head start
 *
 *   in verdict mode, because the session waits for it anyway;
 *   in safe mode where it has lately been quicker than the disk: a relay in
 *   the next room, not a provider across the sea.
 *
 * Whoever waits hears nothing before one of the two has the message, and when
 * the head start is over, or an attempt came to nothing, the disk gets it.
 */
#include "queue/queue_core.h"

#include <assert.h>

enum {
	SAMPLE_WEIGHT = 8,
	SAMPLES_MIN = 8, /* before that nothing is known */
	PACE_UNIT = 1024, /* of struct pace, in a millisecond */
	PROBE_EVERY = 64, /* goes to the disk at once, to see how quick it is */
	SAFE_HEAD_START_MS = 20
};

/* among: so many shared the time.  A thousand messages that wait for a quick
 * provider do not make it a slow one. */
static void
pace_add(struct pace *p, int64_t ms, size_t among)
{
	int64_t sample = ms * PACE_UNIT / (int64_t)among;

	if (p->samples < SAMPLES_MIN)
		p->samples++;
	/* The first ones make a plain mean. */
	p->average += (sample - p->average) /
		      (p->samples < SAMPLE_WEIGHT ? p->samples : SAMPLE_WEIGHT);
}

static bool
is_quicker(const struct pace *a, const struct pace *b)
{
	return a->samples == SAMPLES_MIN && b->samples == SAMPLES_MIN &&
	       a->average < b->average;
}

/* The header is made here, so that the job needs no envelope: that one now
 * belongs to whoever delivers it. */
void
flight_store(struct flight *fl)
{
	struct job *j = job_new(fl->q, JOB_STORE, fl);
	struct buf swap;
	struct err err;
	int rc;

	if (fl->draft != NULL) {
		rc = fl->q->store->ops->draft_end(fl->draft, fl->env, &err);
		j->draft = fl->draft;
	} else {
		rc = store_text_header(&j->text, STORE_TEXT_MESSAGE, fl->env, 0)
			 ? 0
			 : err_set(&err, ERR_INPUT, "the envelope is too long");
		j->message = bytes_of(fl->bytes, (size_t)fl->e->size_bytes);
	}
	/* Limits make envelopes of megabytes impossible long before. */
	assert(rc == 0);
	/* What is known by now is in the file from the start, and is durable
	 * with it. */
	swap = j->notes;
	j->notes = fl->notes;
	fl->notes = swap;
	j->folds = fl->folds;
	fl->must_sync = false;
	fl->offer = OFFER_NONE;
	fl->disk = DISK_WRITING;
	fl->stored_ms = queue_now(fl->q);
	fl->stored_among = ++fl->q->storing;
	job_submit(j);
}

/* --- the head start ------------------------------------------------------- */

static int64_t
head_start_ms(const struct flight *fl)
{
	struct queue *q = fl->q;
	const struct entry *e = fl->e;
	const struct pace *pace;
	int64_t ms = q->o.head_start_ms, wait;

	if (ms == 0 || e->account < 0 || fl->mode == QUEUE_MODE_QUEUE ||
	    q->is_closing)
		return 0;
	if (fl->mode == QUEUE_MODE_VERDICT) {
		/* At the deadline the disk must have had its time too. */
		int64_t left = (fl->verdict_by_ms - queue_now(q)) / 4;

		return left < ms ? left : ms;
	}
	pace = &q->accounts[e->account].pace;
	if (!is_quicker(pace, &q->disk_pace) || q->offers++ % PROBE_EVERY == 0)
		return 0;
	/* With those before it, twice what that will take. */
	wait = SAFE_HEAD_START_MS +
	       2 * (int64_t)q->offered * pace->average / PACE_UNIT;
	return ms < wait ? ms : wait;
}

void
flight_offer(struct flight *fl)
{
	int64_t now = queue_now(fl->q), ms = head_start_ms(fl);

	fl->offered_ms = now;
	fl->offered_among = ++fl->q->offered;
	fl->store_at_ms = now + ms;
	if (ms > 0)
		fl->disk = DISK_WAITING;
	else
		flight_store(fl);
}

void
pace_tick(struct queue *q)
{
	int64_t now = queue_now(q);

	list_foreach (it, &q->clients) {
		struct flight *fl = list_entry(it, struct flight, client_link);

		if (fl->disk == DISK_WAITING && fl->store_at_ms <= now)
			flight_store(fl);
	}
}

void
pace_sent(struct flight *fl)
{
	if (fl->offered_ms != 0 && fl->e->account >= 0)
		pace_add(&fl->q->accounts[fl->e->account].pace,
		    queue_now(fl->q) - fl->offered_ms, fl->offered_among);
}

void
pace_attempt_over(struct flight *fl)
{
	if (fl->offered_ms != 0)
		fl->q->offered--;
	fl->offered_ms = 0;
}

void
pace_stored(struct flight *fl)
{
	pace_add(&fl->q->disk_pace, queue_now(fl->q) - fl->stored_ms,
	    fl->stored_among);
}

void
pace_store_over(struct flight *fl)
{
	if (fl->stored_among != 0)
		fl->q->storing--;
	fl->stored_among = 0;
}
