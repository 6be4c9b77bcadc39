/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message needs the provider or the disk, not both, and a sync that nobody
 * waits for slows down those that somebody waits for.  So the provider gets a
 * head start
 *
 *   in verdict mode, because the session waits for it anyway;
 *   in safe mode where it has lately been quicker than the disk: a relay in
 *   the next room, not a provider across the sea.
 *
 * A waiting client hears nothing before one of the two has the message, and
 * when the head start is over, or an attempt came to nothing, the disk gets it.
 */
#include "queue/inside.h"

enum {
	SAMPLE_WEIGHT = 8,
	SAMPLES_MIN = 8, /* before that nothing is known */
	TIME_UNIT = 1024, /* of struct head_start_times, in a millisecond */
	/* One of so many goes to the disk at once, to see how quick it is; at
	 * thousands a second a few samples tell as much. */
	PROBE_EVERY = 64,
	PROBE_PAUSE_MS = 50,
	SAFE_HEAD_START_MS = 20
};

/* among: so many shared the time.  A thousand messages that wait for a quick
 * provider do not make it a slow one. */
static void
times_add(struct head_start_times *p, int64_t ms, size_t among)
{
	int64_t whole = ms * TIME_UNIT, share = whole / (int64_t)among, weight;

	if (p->samples < SAMPLES_MIN)
		p->samples++;
	/* The first ones make a plain mean. */
	weight = p->samples < SAMPLE_WEIGHT ? p->samples : SAMPLE_WEIGHT;
	p->average += (share - p->average) / weight;
	p->whole += (whole - p->whole) / weight;
}

/* However many share the time, no answer comes before a round trip is over.  A
 * millisecond is within what the clock can tell. */
static bool
is_too_far(const struct head_start_times *provider,
    const struct head_start_times *disk)
{
	return (provider->round_trip_ms - 1) * TIME_UNIT > disk->whole;
}

static bool
is_quicker(const struct head_start_times *provider,
    const struct head_start_times *disk)
{
	return provider->samples == SAMPLES_MIN &&
	       disk->samples == SAMPLES_MIN &&
	       provider->average < disk->average && !is_too_far(provider, disk);
}

/* --- the head start ------------------------------------------------------- */

static bool
is_probe(struct head_starts *r, int64_t now)
{
	if (r->probes++ % PROBE_EVERY != 0 || now < r->next_probe_ms)
		return false;
	r->next_probe_ms = now + PROBE_PAUSE_MS;
	return true;
}

static int64_t
head_start_ms(const struct queue_message *msg)
{
	struct queue *q = msg->q;
	const struct entry *e = msg->e;
	const struct head_start_times *times;
	int64_t ms = q->o.head_start_ms, wait;

	if (ms == 0 || e->account < 0 || msg->client.mode == QUEUE_MODE_QUEUE ||
	    q->is_closing)
		return 0;
	if (msg->client.mode == QUEUE_MODE_VERDICT) {
		/* At the deadline the disk must have had its time too. */
		int64_t left = (msg->client.verdict_by_ms - queue_now(q)) / 4;

		return left < ms ? left : ms;
	}
	times = &q->accounts[e->account].times;
	if (!is_quicker(times, &q->head_starts.disk) ||
	    is_probe(&q->head_starts, queue_now(q)))
		return 0;
	/* With those before it, twice what that will take. */
	wait = SAFE_HEAD_START_MS +
	       2 * (int64_t)q->head_starts.begun * times->average / TIME_UNIT;
	return ms < wait ? ms : wait;
}

int64_t
head_start_begin(struct queue_message *msg)
{
	int64_t now = queue_now(msg->q), ms = head_start_ms(msg);

	msg->head_start.begun_ms = now;
	msg->head_start.begun_among = ++msg->q->head_starts.begun;
	msg->head_start.store_at_ms = now + ms;
	return ms;
}

void
head_start_store_begun(struct queue_message *msg)
{
	msg->head_start.stored_ms = queue_now(msg->q);
	msg->head_start.stored_among = ++msg->q->head_starts.storing;
}

void
head_start_round_trip(struct queue_message *msg, int64_t ms)
{
	if (msg->e->account >= 0)
		msg->q->accounts[msg->e->account].times.round_trip_ms = ms;
}

void
head_start_hurry(struct queue_message *msg)
{
	msg->head_start.store_at_ms = queue_now(msg->q);
}

void
head_start_sent(struct queue_message *msg)
{
	if (msg->head_start.begun_ms != 0 && msg->e->account >= 0)
		times_add(&msg->q->accounts[msg->e->account].times,
		    queue_now(msg->q) - msg->head_start.begun_ms,
		    msg->head_start.begun_among);
}

void
head_start_attempt_over(struct queue_message *msg)
{
	if (msg->head_start.begun_ms != 0)
		msg->q->head_starts.begun--;
	msg->head_start.begun_ms = 0;
}

void
head_start_stored(struct queue_message *msg)
{
	times_add(&msg->q->head_starts.disk,
	    queue_now(msg->q) - msg->head_start.stored_ms,
	    msg->head_start.stored_among);
}

void
head_start_store_over(struct queue_message *msg)
{
	if (msg->head_start.stored_among != 0)
		msg->q->head_starts.storing--;
	msg->head_start.stored_among = 0;
}
