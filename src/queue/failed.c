/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/failed.h"

#include "queue/inside.h"

enum {
	CLEAN_MS = 24 * 60 * 60 * 1000, /* between looks at failed/ */
	CLEAN_MAX = 1000, /* files changed in one go, */
	CLEAN_AGAIN_MS = 1000 /* and the pause then */
};

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
