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
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* What is called back when everything else is done. */
struct calls {
	struct client_call client;
	struct attempt_calls attempt;
};

struct queue_message *
message_get(struct queue *q, struct entry *e)
{
	struct queue_message *msg = e->msg;

	if (msg != NULL)
		return msg;
	msg = xcalloc(1, sizeof(*msg));
	msg->q = q;
	msg->e = e;
	msg->attempt.claim.msg = msg;
	buf_init(&msg->disk.notes, STORE_HEADER_MAX);
	list_init(&msg->client.link);
	list_append(&q->messages, &msg->link);
	e->msg = msg;
	return msg;
}

static void
free_message(struct queue_message *msg)
{
	if (msg == NULL)
		return;
	if (msg->fold.lines > 0)
		carrier_abandon(msg);
	head_start_attempt_over(msg);
	head_start_store_over(msg);
	message_drop_answers(msg);
	message_drop_content(msg);
	if (msg->client.draft != NULL)
		msg->client.draft->msg = NULL;
	buf_clear(&msg->disk.notes);
	list_remove(&msg->client.link);
	list_remove(&msg->link);
	msg->e->msg = NULL;
	free(msg);
}

/* Nothing of it is to stay.  Frees the entry, now or when the job is back. */
static void
discard(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	entry_unwait(q, e);
	entry_unlist(q, e);
	e->is_gone = true;
	message_write_done(msg);
	if (msg->disk.job != NULL)
		return;
	if (msg->attempt.on_durable != NULL && msg->disk.state == DISK_SAFE) {
		message_must_sync(msg);
		message_submit(
		    msg, JOB_APPEND); /* and go on when that is done */
		return;
	}
	if (msg->disk.state == DISK_SAFE)
		removal_add(q, entry_place(e), e->id);
	message_forget(q, e); /* which removes an unfinished file */
}

/* No job is under way, the file is safe, and nothing has to be written. */
static void
rest(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	if (!due_is_in_heap(&e->node))
		entry_wait(q, e);
	if (msg->attempt.is_active || msg->client.state != CLIENT_TOLD ||
	    msg->body.is_ahead)
		return;
	if (msg->disk.is_unsaved)
		message_drop_message(msg);
	else if (!msg->body.is_fresh || q->fresh.bytes > QUEUE_FRESH_MAX)
		free_message(msg);
}

/* One step, or none if a job is under way; may free the message. */
static void
work_on_disk(struct queue_message *msg)
{
	if (msg->attempt.is_active || msg->client.is_ending)
		return;
	if (msg->fold.into[0] != '\0') {
		if (msg->client.state == CLIENT_TOLD)
			message_forget(msg->q, msg->e); /* no file of its own */
		return;
	}
	if (msg->is_lost) {
		if (msg->disk.job == NULL && msg->client.state == CLIENT_TOLD)
			message_forget(msg->q, msg->e);
		return;
	}
	if (msg->is_dropped || msg->attempt.result == RESULT_SENT) {
		discard(msg);
		return;
	}
	if (msg->disk.job != NULL || msg->disk.state == DISK_WRITING)
		return;
	if (msg->disk.state == DISK_WAITING) {
		message_store(msg);
		return;
	}
	if (msg->disk.state == DISK_LOST) {
		if (!due_is_in_heap(&msg->e->node))
			entry_wait(msg->q, msg->e);
		return;
	}
	if (msg->is_requeue)
		message_submit(msg, JOB_REQUEUE);
	else if (msg->attempt.result == RESULT_FAILED)
		message_submit(msg, JOB_FAIL);
	else if (buf_len(&msg->disk.notes) > 0 && !msg->disk.is_unsaved)
		message_submit(msg, JOB_APPEND);
	else
		rest(msg);
}

void
message_advance(struct queue_message *msg)
{
	struct calls c = { 0 };

	if (msg->client.is_ending)
		return;
	message_write_mark(msg);
	if (message_can_tell(msg))
		message_tell_client(msg, &c.client);
	message_cancel_store(msg);
	message_tell_attempt(msg, &c.attempt);
	work_on_disk(msg); /* msg may be gone */
	if (c.attempt.on_marked != NULL)
		c.attempt.on_marked(c.attempt.marked_ctx);
	if (c.attempt.on_durable != NULL)
		c.attempt.on_durable(c.attempt.durable_ctx);
	if (c.client.on_accepted != NULL)
		c.client.on_accepted(c.client.accepted_ctx, &c.client.t);
}

void
message_job_done(struct job *j)
{
	struct queue_message *msg = j->msg;

	message_disk_done(msg, j);
	if (j->fold_lines > 0)
		carrier_written(msg, j);
	message_tell_people(msg);
	if (msg->client.is_ending)
		msg->q->is_todo = true;
	else
		message_advance(msg);
}

void
message_set_lost(struct queue_message *msg)
{
	struct err err;

	if (msg->is_lost)
		return;
	msg->is_lost = true;
	entry_unwait(msg->q, msg->e);
	buf_reset(&msg->disk.notes);
	err_set(&err, ERR_NONE,
	    "another relay has taken it over; what this one did about it since "
	    "is not written down");
	queue_trouble(msg->q, msg->e->id, &err);
}

void
message_forget(struct queue *q, struct entry *e)
{
	entry_unwait(q, e);
	entry_unlist(q, e);
	entry_let_go(q, e);
	free_message(e->msg);
	entry_free(q, e);
}
