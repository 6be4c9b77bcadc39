/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two gates: where a policy (src/policy) is asked, and what follows from
 * its answer.
 *
 * A message that is folded into another, the carrier, is one line in the
 * carrier's journal, synced before its client hears "accepted", and then it is
 * gone. */
#include "queue/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- arrival -------------------------------------------------------------- */

const unsigned char *
queue_fold_key(const struct queue *q)
{
	const struct queue_arrival_gate *g = &q->o.arrival;

	return g->fold_key != NULL ? g->fold_key(g->ctx) : NULL;
}

void
carrier_describe(struct queue *q, struct entry *carrier, uint64_t n)
{
	char text[160];

	(void)snprintf(text, sizeof(text),
	    "stands for %" PRIu64
	    " equal messages (max_equal, equal_time); more "
	    "may be folded in until it is sent",
	    n + 1);
	entry_set_reason(q, carrier, text);
}

/* It is on the disk or will be, and its turn is still to come. */
static bool
may_carry(const struct queue *q, const struct entry *e)
{
	const struct queue_message *msg = e->msg;

	if (e->is_failed || e->is_gone || e->attempts > 0 ||
	    e->times.next_ms <= queue_now(q))
		return false;
	return msg == NULL || (!msg->attempt.is_active && !msg->is_dropped &&
				  !msg->disk.is_unsaved &&
				  msg->attempt.result == RESULT_NONE &&
				  msg->disk.state != DISK_LOST);
}

bool
queue_may_carry(struct queue *q, const char *id)
{
	const struct entry *e = entry_lookup(q, id);

	return e != NULL && may_carry(q, e);
}

/* Waiting must not make it too old to be tried. */
static void
carry(struct queue_message *msg, const struct queue_arrival *a)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;
	int64_t most = q->o.lifetime_ms / 2;
	int64_t wait_ms = a->wait_ms < most ? a->wait_ms : most;

	e->times.next_ms = queue_now(q) + wait_ms;
	message_noted(
	    msg, journal_next(&msg->disk.notes, queue_wall(q) + wait_ms));
	message_wait_no_more(msg);
	message_set_stale(msg);
	carrier_describe(q, e, 0);
}

static void
fold_into(struct queue_message *msg, struct entry *carrier, unsigned nfolded)
{
	struct queue *q = msg->q;
	struct queue_message *to = message_get(q, carrier);

	msg->e->is_gone = true;
	message_wait_no_more(msg);
	message_set_carried(msg);
	message_drop_message(msg);
	msg->fold.carrier = to;
	msg->fold.line = ++to->fold.lines;
	memcpy(msg->fold.into, carrier->id, QID_SIZE);
	message_noted(to, journal_equal(&to->disk.notes, queue_wall(q)));
	message_must_sync(to);
	if (to->env != NULL) {
		to->env->nfolded++;
		to->env->last_folded_s = queue_wall(q) / 1000;
	}
	carrier_describe(q, carrier, nfolded);
	entry_unwait(q, carrier);
	message_advance(to);
}

bool
message_ask_gate(struct queue_message *msg)
{
	struct queue *q = msg->q;
	const struct queue_arrival_gate *g = &q->o.arrival;
	struct queue_arrival a = { .what = QUEUE_ARRIVES };
	struct entry *carrier;

	if (g->decide != NULL)
		g->decide(g->ctx, msg->env, &a);
	if (a.what == QUEUE_FOLDED &&
	    (carrier = entry_lookup(q, a.carrier)) != NULL &&
	    may_carry(q, carrier)) {
		fold_into(msg, carrier, a.nfolded);
		return true;
	}
	if (a.what == QUEUE_CARRIER)
		carry(msg, &a);
	return false;
}

/* They are told at the next turn of the queue: this is called from within
 * something else. */
static void
settle(struct queue_message *carrier, uint64_t line, const struct err *why)
{
	struct queue *q = carrier->q;

	list_foreach (it, &q->clients) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, client.link);

		if (msg->fold.carrier != carrier || msg->fold.line > line)
			continue;
		msg->fold.carrier = NULL;
		message_set_stored(msg, why);
		q->is_todo = true;
	}
	if (q->is_todo)
		queue_rescheduled(q);
}

void
carrier_written(struct queue_message *carrier, const struct job *j)
{
	settle(carrier, j->fold_lines, j->rc == 0 ? NULL : &j->err);
}

void
carrier_abandon(struct queue_message *carrier)
{
	struct err err;

	err_set(&err, ERR_DISK,
	    "the message that it was to be folded into is gone");
	settle(carrier, carrier->fold.lines, &err);
}

/* --- attempt -------------------------------------------------------------- */

void
entry_let_go(struct queue *q, struct entry *e)
{
	const struct queue_attempt_gate *g = &q->o.attempt;

	if (!e->is_put_off)
		return;
	e->is_put_off = false;
	if (!q->is_closing)
		g->let_go(g->ctx, e->uid);
}

static void
put_off(struct queue *q, struct entry *e, int64_t wait_ms)
{
	const struct queue_attempt_gate *g = &q->o.attempt;
	char why[QUEUE_WHY_MAX] = "";

	e->times.next_ms = queue_now(q) + wait_ms;
	if (!e->is_put_off) {
		e->is_put_off = true;
		g->put_off(g->ctx, e->uid, why);
		entry_set_reason(q, e, why);
	}
	entry_wait(q, e);
	/* A client that waits for the provider hears that the message is
	 * queued. */
	if (e->msg != NULL && e->msg->client.state != CLIENT_TOLD) {
		message_hurry(e->msg);
		q->is_todo = true;
		queue_rescheduled(q);
	}
}

bool
entry_ask_gate(struct queue *q, struct entry *e)
{
	const struct queue_attempt_gate *g = &q->o.attempt;
	int64_t wait_ms;

	if (g->wait_ms == NULL || e->is_counted)
		return false;
	wait_ms = g->wait_ms(g->ctx, e->uid);
	if (wait_ms == 0)
		return false;
	put_off(q, e, wait_ms);
	return true;
}

void
entry_begins(struct queue *q, struct entry *e)
{
	const struct queue_attempt_gate *g = &q->o.attempt;

	if (e->is_put_off) /* the time it had to wait was not its own */
		e->times.life_from_s = queue_wall(q) / 1000;
	entry_let_go(q, e);
	if (g->begins != NULL && !e->is_counted)
		e->is_counted = g->begins(g->ctx, e->uid, e->nrcpts);
}

void
queue_ask_again(struct queue *q)
{
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		if (!e->is_put_off)
			continue;
		e->times.next_ms = queue_now(q);
		if (due_is_in_heap(&e->node))
			entry_wait(q, e);
	}
}
