/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan of what the spool held when the queue was opened: folder by folder,
 * in slices, while new mail already comes and goes.  Whatever this process
 * knows by its id is left alone: it may be half written. */
#include "queue/queue_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
queue_set_aside(struct queue *q, enum spool_place place, const char *id,
    const struct err *why)
{
	struct err err = *why;

	IGNORE(spool_move(q->spool, place, SPOOL_CORRUPT, id, &place, NULL));
	if (place == SPOOL_CORRUPT)
		err_ctx(&err, "moved to corrupt/");
	else
		err_ctx(&err, "left where it is, as it cannot be moved");
	queue_trouble(q, id, &err);
}

static void
remove_unfinished(struct queue *q, enum spool_place place, const char *id)
{
	struct err err;

	if (spool_remove(q->spool, place, id, &err) != 0)
		queue_trouble(q, id, &err);
}

static void
adopt_state(struct queue *q, struct entry *e, const struct journal_state *st)
{
	int64_t now = queue_now(q);

	e->attempts = (uint16_t)(st->attempts < UINT16_MAX ? st->attempts
							   : UINT16_MAX);
	e->is_held = st->is_held;
	e->born_ms = now - st->seen_ms;
	entry_noted(e, st->seen_ms);
	if (st->life_from_s != 0)
		e->life_from_s = st->life_from_s;
	e->next_ms = now;
	if (st->next_wall_ms != 0)
		e->next_ms += retry_resume_ms(
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
	else if (env->nequal > 0 && e->reason == NULL)
		fold_describe(q, e, env->nequal);
}

/* A crash came between the journal and the move to failed/. */
static void
finish_failing(struct queue *q, struct entry *e)
{
	struct flight *fl = flight_get(q, e);

	fl->result = RESULT_FAILED;
	flight_advance(fl);
}

/* A crash came between the end of the message and its answer. */
static void
recover(struct queue *q, struct entry *e, struct spool_message *m)
{
	struct flight *fl = flight_get(q, e);
	struct err why;

	err_set(&why, ERR_NONE, "%s", e->reason->text);
	queue_trouble(q, e->id, &why);
	fl->env = spool_message_take_envelope(m);
	flight_recover(fl);
	flight_drop_content(fl);
	flight_advance(fl);
}

static void
adopt(struct queue *q, enum spool_place place, const char *id,
    struct spool_message *m)
{
	const struct envelope *env = spool_message_envelope(m);
	const struct journal_state *st = spool_message_state(m);
	struct entry *e = entry_name(q, entry_new(q, id), env);
	bool is_done = envelope_waiting(env) == 0;

	e->in_failed = place == SPOOL_FAILED;
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
	q->is_unsorted = true;
	if (e->is_untold && q->o.hooks.failed != NULL)
		q->o.hooks.failed(q->o.hooks.ctx, e->id);
	entry_route(q, e, env);
	if (st->is_offered && !e->is_failed) {
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
scan_file(struct queue *q, enum spool_place place, const char *id)
{
	struct spool_message *m;
	struct err err;

	if (entry_lookup(q, id) != NULL)
		return;
	switch (spool_load(q->spool, place, id, &m, &err)) {
	case SPOOL_OK:
		spool_message_mend(m);
		if (spool_message_state(m)->is_done ||
		    envelope_is_sent(spool_message_envelope(m)))
			removal_add(q, place, id);
		else
			adopt(q, place, id, m);
		spool_message_free(m);
		break;
	case SPOOL_GONE:
		break;
	case SPOOL_UNFINISHED:
		remove_unfinished(q, place, id);
		break;
	case SPOOL_DAMAGED:
		queue_set_aside(q, place, id, &err);
		break;
	case SPOOL_ERROR:
		queue_trouble(q, id, &err);
		look_again(q);
		break;
	}
}

struct names {
	char (*ids)[QID_SIZE];
	size_t count, cap;
};

static bool
note_name(void *arg, const char *id)
{
	struct names *n = arg;

	if (n->count == n->cap) {
		n->cap = n->cap == 0 ? 64 : n->cap * 2;
		n->ids = xrealloc(n->ids, n->cap, QID_SIZE);
	}
	memcpy(n->ids[n->count++], id, QID_SIZE);
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, QID_SIZE);
}

/* The last step is failed/. */
static enum spool_place
place_of_step(const struct queue *q)
{
	return q->scan.step < QID_FOLDERS ? SPOOL_QUEUE : SPOOL_FAILED;
}

/* The folders' names come round every nine hours; the one after the newest is
 * the oldest, if no message is older than that. */
static void
read_folder(struct queue *q)
{
	struct scan *s = &q->scan;
	unsigned folder = (s->first + s->step) % QID_FOLDERS;
	struct names n = { 0 };
	struct err err;

	if (place_of_step(q) == SPOOL_QUEUE && !s->is_there[folder])
		return;
	if (spool_list(
		q->spool, place_of_step(q), folder, note_name, &n, &err) != 0) {
		queue_trouble(q, "-", &err);
		look_again(q);
	}
	if (n.count > 0)
		qsort(n.ids, n.count, QID_SIZE, by_name);
	s->ids = n.ids;
	s->count = n.count;
}

static void
begin(struct queue *q)
{
	struct err err;

	q->scan.has_begun = true;
	q->scan.again_ms = 0;
	if (spool_folders(q->spool, q->scan.is_there, &err) != 0) {
		queue_trouble(q, "-", &err);
		look_again(q);
	}
}

void
scan_clear(struct queue *q)
{
	free(q->scan.ids);
	q->scan.ids = NULL;
	q->scan.count = q->scan.at = 0;
}

int64_t
scan_again_ms(const struct queue *q)
{
	return q->scan.again_ms != 0 ? q->scan.again_ms : INT64_MAX;
}

bool
scan_step(struct queue *q)
{
	struct scan *s = &q->scan;
	int64_t until = queue_now(q) + QUEUE_SLICE_MS;

	if (s->is_done && s->again_ms != 0 && queue_now(q) >= s->again_ms) {
		s->is_done = s->has_begun = false;
		s->step = 0;
	}
	if (!s->has_begun)
		begin(q);
	for (int files = 0; !s->is_done && files < QUEUE_SLICE_FILES; files++) {
		if (s->ids == NULL)
			read_folder(q);
		if (s->at < s->count) {
			scan_file(q, place_of_step(q), s->ids[s->at++]);
		} else {
			scan_clear(q);
			s->is_done = s->step++ == QID_FOLDERS;
		}
		if (queue_now(q) >= until)
			break;
	}
	return !s->is_done;
}
