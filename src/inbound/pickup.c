/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/pickup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "inbound/guard.h"
#include "inbound/incoming.h"
#include "net/dirwatch.h"
#include "net/loop.h"
#include "net/people.h"
#include "smtp/smtp_dot.h"

enum { PIECE_BYTES = 65536 };

struct pickup {
	struct inbound_shared *shared;
	struct loop_timer *timer; /* the next look */
	struct loop_task task; /* this turn's work */
	struct dirwatch *watch; /* NULL: folders cannot be watched */
	bool is_watching;
	bool is_stopped;
	bool is_looking; /* on a worker thread */
	bool has_names; /* of the last look are not all done */
	bool is_late; /* the next look is due already */
	bool has_put_back; /* files whose owners are not known yet */
	int64_t looked_ms, pause_ms;
	int64_t next_ms; /* of the timer */
	struct parcel *reading;
	struct list parcels; /* on their way into the queue, or being read */
	size_t nparcels;
};

enum parcel_state {
	PARCEL_ASKING, /* who its owner is */
	PARCEL_BEGUN, /* may be read */
	PARCEL_OFFERED
};

/* One file of the drop folder. */
struct parcel {
	struct list link;
	struct pickup *pickup;
	struct queue_drop *drop;
	enum parcel_state state;
	uint32_t uid;
	struct person *by; /* since it has begun */
	struct people_ask *ask;
	struct envelope *env;
	struct incoming *incoming;
	struct smtp_dot dot;
};

static int64_t
now_ms(const struct pickup *p)
{
	return loop_now_ms(p->shared->loop);
}

static void
work_soon(struct pickup *p)
{
	if (!p->is_stopped)
		loop_soon(p->shared->loop, &p->task);
}

/* But not before a pause after the last look. */
static void
look_by(struct pickup *p, int64_t at)
{
	if (at < p->looked_ms + p->pause_ms)
		at = p->looked_ms + p->pause_ms;
	if (p->is_stopped || at >= p->next_ms)
		return;
	p->next_ms = at;
	loop_timer_set(p->timer, at);
}

static void
parcel_free(struct parcel *parcel, enum queue_drop_end how, const char *why)
{
	struct pickup *p = parcel->pickup;

	if (p->reading == parcel)
		p->reading = NULL;
	queue_drop_end(parcel->drop, how, why);
	incoming_free(parcel->incoming);
	envelope_free(parcel->env);
	people_forget(parcel->ask);
	person_free(parcel->by);
	list_remove(&parcel->link);
	p->nparcels--;
	free(parcel);
	work_soon(p);
}

static void
parcel_end(struct parcel *parcel, enum queue_drop_end how, const char *why)
{
	struct pickup *p = parcel->pickup;

	parcel_free(parcel, how, why);
	if (how == QUEUE_DROP_LATER) {
		p->pause_ms = PICKUP_AGAIN_MS;
		look_by(p, now_ms(p) + PICKUP_AGAIN_MS);
	}
}

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct parcel *parcel = ctx;

	switch (t->outcome) {
	case QUEUE_SAFE:
		incoming_log_accepted(parcel->incoming, t->folded_into);
		parcel_end(parcel, QUEUE_DROP_TAKEN, NULL);
		break;
	case QUEUE_REFUSED:
		/* Never in QUEUE_MODE_ACCEPTED: nobody waits for an answer. */
		parcel_end(parcel, QUEUE_DROP_BAD, NULL);
		break;
	case QUEUE_FAILED:
		log_err(LOG_LEVEL_ERROR, &t->err);
		parcel_end(parcel, QUEUE_DROP_LATER, NULL);
		break;
	}
}

/* The envelope in the file, with the owner that the kernel reports.  Not whole:
 * one of the recipients leads to nobody. */
static struct envelope *
envelope_of(const struct parcel *parcel, bool *ret_is_whole)
{
	const struct inbound_opts *o = &parcel->pickup->shared->opts;
	struct envelope *e = locals_envelope(&o->locals, o->hostname,
	    queue_drop_envelope(parcel->drop), ret_is_whole);

	e->uid = parcel->uid;
	envelope_set(&e->user, parcel->by->name);
	envelope_set(&e->peer, "drop");
	e->size_bytes = 0;
	return e;
}

/* Correct line ends, whatever wrote the file (R3); to is empty again. */
static void
put_piece(struct parcel *parcel, struct bytes b, struct buf *to)
{
	size_t used = smtp_dot_put(&parcel->dot, b.p, b.n, to);

	assert(used == b.n); /* to has SMTP_DOT_SPACE */
	incoming_put(parcel->incoming, buf_bytes(to));
	buf_reset(to);
}

enum piece { PIECE_MORE, PIECE_LAST, PIECE_FAILED };

/* The next piece of the file. */
static enum piece
read_piece(struct parcel *parcel, struct err *err)
{
	char *piece = xmalloc(PIECE_BYTES);
	enum piece res = PIECE_MORE;
	struct buf clean;
	size_t n;

	buf_init(&clean, SMTP_DOT_SPACE(PIECE_BYTES));
	if (queue_drop_read(parcel->drop, piece, PIECE_BYTES, &n, err) != 0) {
		res = PIECE_FAILED;
	} else if (n > 0) {
		put_piece(parcel, bytes_of(piece, n), &clean);
	} else {
		IGNORE(
		    smtp_dot_finish(&parcel->dot, &clean)); /* there is room */
		incoming_put(parcel->incoming, buf_bytes(&clean));
		res = PIECE_LAST;
	}
	buf_clear(&clean);
	free(piece);
	return res;
}

/* After a permanent refusal the file is set aside for a person; the log says
 * why. */
static void
turn_down(struct parcel *parcel)
{
	const struct verdict *v = incoming_refusal(parcel->incoming);

	incoming_log_refused(parcel->incoming, v);
	parcel_end(parcel,
	    v->class == VERDICT_LATER ? QUEUE_DROP_LATER : QUEUE_DROP_REFUSED,
	    v->text);
}

/* A wrong checksum is permanent; a disk error may not be. */
static void
fail_reading(struct parcel *parcel, const struct err *err)
{
	bool is_bad = err->class == ERR_INPUT;

	if (!is_bad)
		log_err(LOG_LEVEL_ERROR, err);
	parcel_end(
	    parcel, is_bad ? QUEUE_DROP_BAD : QUEUE_DROP_LATER, err->text);
}

static void
offer(struct parcel *parcel)
{
	parcel->pickup->reading = NULL;
	parcel->state = PARCEL_OFFERED;
	if (!incoming_offer(
		parcel->incoming, QUEUE_MODE_ACCEPTED, on_told, parcel))
		turn_down(parcel);
}

static void
go_on(struct parcel *parcel)
{
	struct err err;

	switch (read_piece(parcel, &err)) {
	case PIECE_MORE:
		break;
	case PIECE_LAST:
		offer(parcel);
		break;
	case PIECE_FAILED:
		fail_reading(parcel, &err);
		break;
	}
}

static void
begin_parcel(struct parcel *parcel, const char *rule)
{
	struct pickup *p = parcel->pickup;
	bool is_whole = true;
	char text[160];

	smtp_dot_init(&parcel->dot, SMTP_DOT_CHUNK);
	parcel->env = envelope_of(parcel, &is_whole);
	parcel->incoming = incoming_new(
	    p->shared, parcel->env, parcel->by, "local");
	if (!is_whole)
		incoming_refuse(parcel->incoming, 550, "5.1.1", LOCALS_NOBODY);
	if (rule != NULL) {
		(void)snprintf(text, sizeof(text),
		    "this user may not submit mail (%s)", rule);
		incoming_refuse(parcel->incoming, 550, "5.7.1", text);
	}
}

static void
on_person(void *ctx, const struct person *who)
{
	struct parcel *parcel = ctx;
	struct pickup *p = parcel->pickup;
	const struct inbound_opts *o = &p->shared->opts;
	bool is_unsure = false;
	const char *rule = o->bars(o->ctx, who, &is_unsure);

	parcel->ask = NULL;
	if (p->has_put_back)
		look_by(p, now_ms(p));
	p->has_put_back = false;
	if (rule != NULL && is_unsure) {
		parcel_end(parcel, QUEUE_DROP_LATER, NULL);
		return;
	}
	parcel->state = PARCEL_BEGUN;
	parcel->by = person_ref(who);
	begin_parcel(parcel, rule);
	work_soon(p);
}

/* Files of this user that wait for the user database. */
static size_t
count_asking(const struct pickup *p, uint32_t uid)
{
	size_t n = 0;

	list_foreach (it, &p->parcels) {
		const struct parcel *parcel = list_entry(
		    it, struct parcel, link);

		n += parcel->state == PARCEL_ASKING && parcel->uid == uid;
	}
	return n;
}

static void
take_drop(struct pickup *p, struct queue_drop *drop)
{
	struct parcel *parcel = xcalloc(1, sizeof(*parcel));
	const char *why = guard_refuses(queue_drop_envelope(drop));
	struct people_ask *ask;

	parcel->pickup = p;
	parcel->drop = drop;
	parcel->uid = queue_drop_uid(drop);
	list_append(&p->parcels, &parcel->link);
	p->nparcels++;
	if (why != NULL) {
		parcel_end(parcel, QUEUE_DROP_BAD, why);
		return;
	}
	ask = people_ask(
	    p->shared->opts.people, parcel->uid, on_person, parcel);
	if (ask == NULL)
		return; /* x may be gone */
	parcel->ask = ask;
	/* A user who is not known yet must not delay the others. */
	if (count_asking(p, parcel->uid) > PICKUP_ASKING_MAX) {
		p->has_put_back = true;
		parcel_free(parcel, QUEUE_DROP_LATER, NULL);
	}
}

/* The next that may be read, or NULL. */
static struct parcel *
next_begun(const struct pickup *p)
{
	list_foreach (it, &p->parcels) {
		struct parcel *parcel = list_entry(it, struct parcel, link);

		if (parcel->state == PARCEL_BEGUN)
			return parcel;
	}
	return NULL;
}

/* --- looking -------------------------------------------------------------- */

static void
on_looked(void *ctx)
{
	struct pickup *p = ctx;
	int64_t now = now_ms(p);

	p->is_looking = false;
	p->pause_ms = (now - p->looked_ms) * PICKUP_PAUSES;
	if (p->pause_ms < PICKUP_PAUSE_MS)
		p->pause_ms = PICKUP_PAUSE_MS;
	if (p->pause_ms > PICKUP_PAUSE_MAX_MS)
		p->pause_ms = PICKUP_PAUSE_MAX_MS;
	p->looked_ms = now;
	p->has_names = true;
	work_soon(p);
}

static void
look(struct pickup *p)
{
	p->is_looking = true;
	p->looked_ms = now_ms(p);
	p->is_watching = p->watch != NULL && dirwatch_arm(p->watch);
	/* The first job starts all worker threads with their stacks; an idle
	 * daemon avoids that. */
	if (queue_drop_is_empty(p->shared->queue))
		on_looked(p);
	else
		queue_drop_scan(p->shared->queue, on_looked, p);
}

static void
on_timer(void *ctx)
{
	struct pickup *p = ctx;

	p->next_ms = INT64_MAX;
	if (p->is_looking || p->has_names)
		p->is_late = true; /* when this look is over */
	else
		look(p);
}

static void
on_changed(void *ctx)
{
	struct pickup *p = ctx;

	p->is_watching = false;
	look_by(p, now_ms(p) + PICKUP_SETTLE_MS);
}

/* --- working -------------------------------------------------------------- */

/* The look is over: sets the time of the next one, if nothing comes. */
static void
plan_look(struct pickup *p)
{
	int64_t now = now_ms(p);

	look_by(p, now + (p->is_watching ? PICKUP_MS : PICKUP_BLIND_MS));
	look_by(p, queue_drop_again_ms(p->shared->queue));
	if (p->is_late)
		look_by(p, now);
	p->is_late = false;
}

/* In one turn, one file is opened, or a part of one is read. */
static void
on_task(struct loop_task *t)
{
	struct pickup *p = list_entry(t, struct pickup, task);
	int64_t until = now_ms(p) + PICKUP_TURN_MS;
	struct queue_drop *drop;

	if (p->reading == NULL && p->has_names &&
	    p->nparcels < PICKUP_AT_ONCE_MAX) {
		p->has_names = queue_drop_next(
		    p->shared->queue, p->shared->opts.max_rcpts, &drop);
		if (drop != NULL)
			take_drop(p, drop);
		if (!p->has_names)
			plan_look(p);
	}
	if (p->reading == NULL)
		p->reading = next_begun(p);
	while (p->reading != NULL && now_ms(p) < until)
		go_on(p->reading);
	if (p->reading != NULL ||
	    (p->has_names && p->nparcels < PICKUP_AT_ONCE_MAX))
		work_soon(p);
}

static const char cannot_watch[] =
    "cannot watch the drop folder, which is read every 5 seconds instead";

struct pickup *
pickup_new(struct inbound_shared *sh)
{
	struct pickup *p = xcalloc(1, sizeof(*p));
	struct err err;

	p->shared = sh;
	list_init(&p->parcels);
	loop_task_init(&p->task, on_task);
	p->timer = loop_timer_new(sh->loop, on_timer, p);
	if (dirwatch_new(sh->loop, queue_drop_dirfd(sh->queue), on_changed, p,
		&p->watch, &err) != 0)
		log_text(LOG_LEVEL_WARNING, "%s: %s", cannot_watch, err.text);
	p->next_ms = INT64_MAX;
	look_by(p, now_ms(p));
	return p;
}

void
pickup_stop(struct pickup *p)
{
	p->is_stopped = true;
	loop_timer_set(p->timer, INT64_MAX);
	loop_soon_cancel(&p->task);
}

void
pickup_free(struct pickup *p)
{
	if (p == NULL)
		return;
	p->is_stopped = true;
	queue_drop_scan(p->shared->queue, NULL, NULL);
	list_foreach (it, &p->parcels)
		parcel_end(list_entry(it, struct parcel, link),
		    QUEUE_DROP_LATER, NULL);
	loop_soon_cancel(&p->task);
	loop_timer_free(p->timer);
	dirwatch_free(p->watch);
	free(p);
}
