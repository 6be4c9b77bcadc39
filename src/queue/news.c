/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people are to be told of, and how long what has failed is kept. */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/history.h"

enum {
	CLEAN_MS = 24 * 60 * 60 * 1000, /* between looks at failed/ */
	CLEAN_MAX = 1000, /* files changed in one go, */
	CLEAN_AGAIN_MS = 1000 /* and the pause then */
};

/* Nobody is told of what the disk does not know yet: after a crash it would be
 * tried again, and perhaps taken. */
void
message_tell_people(struct queue_message *msg)
{
	const struct queue_hooks *h = &msg->q->o.hooks;
	struct entry *e = msg->e;

	if (msg->disk.job != NULL || msg->is_dropped || msg->is_lost ||
	    msg->disk.state != DISK_SAFE || msg->disk.is_unsynced ||
	    buf_len(&msg->disk.notes) > 0 || msg->q->is_closing)
		return;
	if (msg->news.has_failed) {
		msg->news.has_failed = false;
		e->is_untold = true;
		if (h->failed != NULL)
			h->failed(h->ctx, e->id);
	}
	if (msg->news.is_held) {
		msg->news.is_held = false;
		if (h->held != NULL && e->is_held)
			h->held(h->ctx, e->id);
	}
	if (msg->news.is_delayed) {
		msg->news.is_delayed = false;
		if (h->delayed != NULL && !e->is_failed)
			h->delayed(h->ctx, e->id);
	}
}

void
queue_told_failed(struct queue *q, const char *id, const struct envelope *env)
{
	struct entry *e = entry_find_listed(q, id);
	struct queue_message *msg;

	if (e == NULL)
		return;
	e->is_untold = false;
	msg = message_get(q, e);
	for (size_t i = 0; i < env->nrcpts; i++) {
		if (env->rcpts[i].state != RCPT_FAILED || env->rcpts[i].is_told)
			continue;
		message_noted(
		    msg, journal_told(&msg->disk.notes, queue_wall(q), i));
		/* Somebody may have put it back into the queue meanwhile. */
		if (msg->env != NULL && msg->env->rcpts[i].state == RCPT_FAILED)
			msg->env->rcpts[i].is_told = true;
	}
	message_advance(msg);
}

/* --- the history ---------------------------------------------------------- */

static struct history_entry
ended(struct queue *q, const struct entry *e, enum history_state state)
{
	return (struct history_entry) { .state = state,
		.at_ms = queue_wall(q),
		.arrived_s = e->times.arrived_s,
		.id = e->id,
		.account = "",
		.user = "",
		.sender = "",
		.subject = "",
		.uid = e->uid,
		.attempts = e->attempts,
		.size_bytes = e->size_bytes };
}

static void
tell_ended(struct queue_message *msg, enum history_state state,
    const char **named, size_t n, const struct verdict *answer)
{
	const struct queue_hooks *h = &msg->q->o.hooks;
	struct history_entry how = ended(msg->q, msg->e, state);

	if (msg->env->user != NULL)
		how.user = msg->env->user;
	how.sender = msg->env->sender;
	how.rcpts = named;
	how.nnamed = n < HISTORY_RCPTS_MAX ? n : HISTORY_RCPTS_MAX;
	how.nrcpts = n;
	if (answer != NULL)
		how.answer = *answer;
	h->ended(h->ctx, &how, msg->e->account,
	    message_can_read(msg) ? &msg->attempt.claim : NULL);
}

/* Counts it, and names it as far as there is room. */
static void
add_name(const char **named, size_t *n, const struct rcpt *r)
{
	if (*n < HISTORY_RCPTS_MAX)
		named[*n] = r->addr;
	++*n;
}

/* With this recipient all those that have had the same answer: of those that
 * were taken, the ones of its transaction. */
static void
tell_outcome(struct queue_message *msg, size_t i)
{
	const char *named[HISTORY_RCPTS_MAX];
	const struct rcpt *first = &msg->env->rcpts[i];
	size_t n = 0;

	for (; i < msg->env->nrcpts; i++) {
		struct rcpt *r = &msg->env->rcpts[i];

		if (!r->is_news || r->state != first->state ||
		    (r != first && !verdict_eq(r->last, first->last)))
			continue;
		r->is_news = false;
		add_name(named, &n, r);
	}
	tell_ended(msg,
	    first->state == RCPT_SENT ? HISTORY_DELIVERED : HISTORY_FAILED,
	    named, n, first->last);
}

static void
tell_refused(struct queue_message *msg)
{
	const char *named[HISTORY_RCPTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < msg->env->nrcpts; i++) {
		msg->env->rcpts[i].is_news = false;
		add_name(named, &n, &msg->env->rcpts[i]);
	}
	tell_ended(msg, HISTORY_REFUSED, named, n, &msg->attempt.verdict);
}

void
message_tell_ended(struct queue_message *msg)
{
	if (msg->q->o.hooks.ended == NULL)
		return;
	if (msg->attempt.is_refused)
		tell_refused(msg);
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->env->rcpts[i].is_news)
			tell_outcome(msg, i);
}

void
entry_tell_deleted(struct queue *q, const struct entry *e)
{
	const struct queue_hooks *h = &q->o.hooks;
	struct history_entry how = ended(q, e, HISTORY_DELETED);
	const char *rcpt = entry_rcpt(e);

	if (h->ended == NULL)
		return;
	how.sender = e->names;
	how.rcpts = &rcpt;
	how.nnamed = 1;
	how.nrcpts = e->nrcpts;
	h->ended(h->ctx, &how, e->account, NULL);
}

/* --- failed/ -------------------------------------------------------------- */

static bool
may_clean(const struct entry *e)
{
	return e->is_failed && !e->is_gone && !e->is_untold && e->msg == NULL;
}

static void
clean_one(struct queue *q, struct entry *e, const char *why)
{
	struct err err;
	struct queue_message *msg = message_get(q, e);

	err_set(&err, ERR_NONE, "removed from failed/: %s", why);
	queue_trouble(q, e->id, &err);
	msg->is_dropped = true;
	message_advance(msg);
}

/* So that a machine that is switched off at night forgets in the end, too. */
static void
note_seen(struct queue *q, struct entry *e)
{
	struct queue_message *msg = message_get(q, e);
	int64_t seen = entry_seen_ms(q, e);

	entry_noted(e, seen);
	message_noted(msg, journal_seen(&msg->disk.notes, queue_wall(q), seen));
	message_advance(msg);
}

static bool
is_stale(const struct queue *q, const struct entry *e)
{
	return entry_age_ms(q, e) >=
	       q->o.lifetime_ms + QUEUE_FAILED_DAYS * INT64_C(86400000);
}

void
queue_clean_failed(struct queue *q)
{
	int64_t now = queue_now(q);
	uint64_t total = 0;
	int left = CLEAN_MAX;

	if (now < q->clean_ms || !q->scan.is_done)
		return;
	q->clean_ms = now + CLEAN_MS;
	entry_sort(q); /* the oldest first */
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		total += e->is_failed ? e->size_bytes : 0;
	}
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		if (!may_clean(e) || left == 0)
			continue;
		if (is_stale(q, e) || total > QUEUE_FAILED_BYTES) {
			left--;
			total -= e->size_bytes;
			clean_one(q, e,
			    is_stale(q, e)
				? "it has been kept for too long"
				: "there is too much, and it is the oldest");
		} else if (entry_must_note(q, e)) {
			left--;
			note_seen(q, e);
		}
	}
	if (left == 0)
		q->clean_ms = now + CLEAN_AGAIN_MS;
}
