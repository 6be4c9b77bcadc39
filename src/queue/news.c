/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people and the history are to be told of. */
#include "queue/inside.h"

#include "store/history.h"

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

/* Is what a claim of it reads at hand? */
static bool
can_read(const struct queue_message *msg)
{
	return msg->body.bytes != NULL || msg->body.draft != NULL ||
	       msg->body.loaded != NULL;
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
	    can_read(msg) ? &msg->attempt.claim : NULL);
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
