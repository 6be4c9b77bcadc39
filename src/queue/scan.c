/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan of what the store held when the queue was opened, in slices, while
 * new mail already comes and goes.  Whatever this process knows by its id is
 * left alone: it may be half written. */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

static void
remove_unfinished(struct queue *q, enum store_place place, const char *id)
{
	struct err err;

	if (q->store->ops->remove(q->store, place, id, &err) != 0)
		queue_trouble(q, id, &err);
}

static void
adopt_state(struct queue *q, struct entry *e, const struct journal_state *st)
{
	int64_t now = queue_now(q);

	e->attempts = (uint16_t)(st->attempts < UINT16_MAX ? st->attempts
							   : UINT16_MAX);
	e->is_held = st->is_held;
	e->times.born_ms = now - st->seen_ms;
	entry_noted(e, st->seen_ms);
	if (st->life_from_s != 0)
		e->times.life_from_s = st->life_from_s;
	e->times.next_ms = now;
	if (st->next_wall_ms != 0)
		e->times.next_ms += retry_resume_ms(
		    &q->retry, st->next_wall_ms, queue_wall(q));
}

static void
adopt_reason(struct queue *q, struct entry *e, const struct envelope *env,
    const struct journal_state *st)
{
	/* What speaks of those that still need it comes last. */
	for (size_t i = env->nrcpts; i-- > 0;)
		if (env->rcpts[i].state == RCPT_SENT)
			entry_set_verdict(q, e, env->rcpts[i].last);
	for (size_t i = env->nrcpts; i-- > 0;)
		if (env->rcpts[i].state != RCPT_SENT)
			entry_set_verdict(q, e, env->rcpts[i].last);
	entry_set_verdict(q, e, envelope_rcpt_to_name(env)->last);
	if (st->is_held)
		entry_set_reason(q, e, st->reason);
	else if (env->nfolded > 0 && e->reason == NULL)
		carrier_describe(q, e, env->nfolded);
}

/* A crash came between the journal and the move to failed/. */
static void
finish_failing(struct queue *q, struct entry *e)
{
	struct queue_message *msg = message_get(q, e);

	message_set_failed(msg);
	message_advance(msg);
}

/* A crash came between the end of the message and its answer. */
static void
recover(struct queue *q, struct entry *e, struct store_message *m)
{
	struct queue_message *msg = message_get(q, e);
	struct err why;

	err_set(&why, ERR_NONE, "%s", e->reason->text);
	queue_trouble(q, e->id, &why);
	msg->env = store_message_take_envelope(m);
	message_recover(msg);
	message_drop_content(msg);
	message_advance(msg);
}

static void
adopt(struct queue *q, enum store_place place, const char *id,
    struct store_message *m)
{
	const struct envelope *env = m->env;
	const struct journal_state *st = &m->state;
	struct entry *e = entry_name(q, entry_new(q, id), env);
	bool is_done = envelope_waiting(env) == 0;

	e->in_failed = place == STORE_FAILED;
	/* All sent is noted as done and removed. */
	e->is_failed = e->in_failed || is_done;
	entry_describe(e, env);
	adopt_state(q, e, st);
	adopt_reason(q, e, env, st);
	e->is_delay_told = st->is_delay_told;
	e->is_uncertain = envelope_is_in_doubt(env);
	for (size_t i = 0; i < env->nrcpts; i++)
		if (env->rcpts[i].state == RCPT_FAILED &&
		    !env->rcpts[i].is_told)
			e->is_untold = true;
	entry_list(q, e);
	q->entries.is_unsorted = true;
	if (e->is_untold && q->o.hooks.failed != NULL)
		q->o.hooks.failed(q->o.hooks.ctx, e->id);
	entry_route(q, e, env);
	if (st->is_marked && !e->is_failed) {
		recover(q, e, m);
		return;
	}
	entry_wait(q, e);
	if (e->is_failed && !e->in_failed)
		finish_failing(q, e);
}

/* Something could not be read just now (no descriptors left, a disk with a bad
 * day): everything that is not known by then is looked for once more. */
static void
look_again(struct queue *q)
{
	q->scan.again_ms = queue_now(q) + QUEUE_UNREADABLE_MS;
}

static void
scan_file(struct queue *q, enum store_place place, const char *id)
{
	struct store_message *m;
	struct err err;

	if (entry_lookup(q, id) != NULL || queue_sets_aside(q, id))
		return;
	switch (q->store->ops->load(q->store, place, id, &m, &err)) {
	case STORE_OK:
		q->store->ops->message_mend(m);
		if (m->state.is_done || envelope_is_sent(m->env))
			removal_add(q, place, id);
		else
			adopt(q, place, id, m);
		q->store->ops->message_free(m);
		break;
	case STORE_GONE:
		break;
	case STORE_UNFINISHED:
		remove_unfinished(q, place, id);
		break;
	case STORE_DAMAGED:
		queue_set_aside(q, place, id, &err);
		break;
	case STORE_ERROR:
		queue_trouble(q, id, &err);
		look_again(q);
		break;
	}
}

void
scan_clear(struct queue *q)
{
	if (q->scan.at != NULL)
		q->store->ops->scan_free(q->scan.at);
	q->scan.at = NULL;
}

int64_t
scan_again_ms(const struct queue *q)
{
	return q->scan.again_ms != 0 ? q->scan.again_ms : INT64_MAX;
}

static void
begin_scan(struct queue *q)
{
	q->scan.is_done = false;
	q->scan.again_ms = 0;
	q->scan.at = q->store->ops->scan_new(q->store, queue_wall(q));
}

static void
look_on(struct queue *q)
{
	enum store_place place;
	char id[QID_SIZE];
	struct err err;

	switch (q->store->ops->scan_next(q->scan.at, &place, id, &err)) {
	case STORE_FOUND_ONE:
		scan_file(q, place, id);
		break;
	case STORE_FOUND_NONE:
		break;
	case STORE_FOUND_ERROR:
		queue_trouble(q, "-", &err);
		look_again(q);
		break;
	case STORE_FOUND_END:
		scan_clear(q);
		q->scan.is_done = true;
		remote_requests_look(q);
		break;
	}
}

bool
scan_step(struct queue *q)
{
	struct scan *s = &q->scan;
	int64_t until = queue_now(q) + QUEUE_SLICE_MS;

	if (s->at == NULL &&
	    (!s->is_done || (s->again_ms != 0 && queue_now(q) >= s->again_ms)))
		begin_scan(q);
	for (int n = 0; !s->is_done && n < QUEUE_SLICE_FILES; n++) {
		look_on(q);
		if (queue_now(q) >= until)
			break;
	}
	return !s->is_done;
}
