/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clients that submit messages: what they wait for, and what they hear. */
#include "queue/inside.h"

#include <string.h>

/* In verdict mode: is there still something to wait for? */
static bool
may_get_verdict(const struct queue_message *msg)
{
	const struct entry *e = msg->e;

	if (msg->client.mode != QUEUE_MODE_VERDICT ||
	    queue_now(msg->q) >= msg->client.verdict_by_ms)
		return false;
	if (msg->attempt.is_active)
		return true;
	if (msg->attempt.result != RESULT_NONE &&
	    msg->attempt.result != RESULT_UNTRIED)
		return false;
	return e->account >= 0 && !e->is_held &&
	       e->times.next_ms < msg->client.verdict_by_ms;
}

/* The disk has failed: may the provider still save it? */
static bool
may_be_rescued(const struct queue_message *msg)
{
	if (msg->attempt.is_active)
		return true;
	return msg->attempt.result == RESULT_NONE &&
	       msg->client.mode != QUEUE_MODE_QUEUE && msg->e->account >= 0 &&
	       queue_now(msg->q) < msg->client.grace_ms;
}

bool
message_can_tell(const struct queue_message *msg)
{
	if (msg->client.state == CLIENT_TOLD || msg->client.is_ending)
		return false;
	if (msg->attempt.result == RESULT_SENT || msg->attempt.is_refused)
		return true;
	switch (msg->disk.state) {
	case DISK_WAITING:
	case DISK_WRITING:
		return false;
	case DISK_LOST:
		return !may_be_rescued(msg);
	case DISK_SAFE:
		break;
	}
	/* The disk must know of the commit mark before anything is promised. */
	return msg->disk.mark == MARK_NONE && !may_get_verdict(msg);
}

int64_t
message_deadline(const struct queue_message *msg)
{
	if (msg->client.state == CLIENT_TOLD ||
	    msg->disk.state == DISK_WRITING ||
	    (msg->disk.state == DISK_SAFE && msg->disk.mark != MARK_NONE))
		return INT64_MAX;
	if (msg->disk.state == DISK_WAITING)
		return msg->head_start.store_at_ms;
	if (msg->disk.state == DISK_LOST)
		return msg->attempt.is_active ? INT64_MAX
					      : msg->client.grace_ms;
	return msg->client.verdict_by_ms;
}

void
message_tell_client(struct queue_message *msg, struct client_call *c)
{
	struct queue_told t = { .outcome = QUEUE_SAFE,
		.account = msg->e->account };
	bool is_gone = msg->client.state == CLIENT_GONE;

	if (msg->attempt.is_refused || msg->attempt.result == RESULT_SENT)
		t.verdict = msg->attempt.verdict;
	if (msg->attempt.is_refused) {
		t.outcome = QUEUE_REFUSED;
		msg->is_dropped = true;
	} else if (msg->disk.state == DISK_LOST &&
		   msg->attempt.result != RESULT_SENT) {
		t.outcome = QUEUE_FAILED;
		t.err = msg->disk.err;
		msg->is_dropped = true;
	}
	/* Nobody else will say that the disk has failed. */
	if (msg->disk.state == DISK_LOST &&
	    (is_gone || t.outcome != QUEUE_FAILED))
		queue_trouble(msg->q, msg->e->id, &msg->disk.err);
	memcpy(t.folded_into, msg->fold.into, sizeof(msg->fold.into));
	if (!is_gone) {
		c->on_accepted = msg->client.on_accepted;
		c->accepted_ctx = msg->client.accepted_ctx;
		c->t = t;
	}
	msg->client.state = CLIENT_TOLD;
	list_remove(&msg->client.link);
	msg->client.on_accepted = NULL;
	msg->client.on_taken = NULL;
	if (msg->client.draft != NULL)
		msg->client.draft->msg = NULL;
	msg->client.draft = NULL;
}

void
message_waits(struct queue_message *msg, struct queue_draft *d,
    enum queue_mode mode, int64_t verdict_by_ms)
{
	msg->client.state = CLIENT_WAITING;
	msg->client.is_ending = true;
	msg->client.mode = mode;
	msg->client.verdict_by_ms = verdict_by_ms;
	msg->client.draft = d;
	list_append(&msg->q->clients, &msg->client.link);
}

void
message_calls(struct queue_message *msg,
    void (*on_accepted)(void *ctx, const struct queue_told *t), void *ctx)
{
	msg->client.on_accepted = on_accepted;
	msg->client.accepted_ctx = ctx;
}

void
message_calls_taken(
    struct queue_message *msg, void (*on_taken)(void *ctx), void *ctx)
{
	msg->client.on_taken = on_taken;
	msg->client.taken_ctx = ctx;
}

void
message_set_ready(struct queue_message *msg)
{
	msg->client.is_ending = false;
}

void
message_client_leaves(struct queue_message *msg)
{
	msg->client.draft = NULL;
	msg->client.on_accepted = NULL;
	msg->client.on_taken = NULL;
	msg->client.state = CLIENT_GONE;
}

void
message_wait_no_more(struct queue_message *msg)
{
	msg->client.mode = QUEUE_MODE_QUEUE;
}

void
message_hurry(struct queue_message *msg)
{
	msg->client.verdict_by_ms = queue_now(msg->q);
	head_start_hurry(msg);
}

void
message_set_grace(struct queue_message *msg, int64_t until_ms)
{
	struct message_client *c = &msg->client;

	c->grace_ms = until_ms;
	if (c->mode == QUEUE_MODE_VERDICT && c->verdict_by_ms > until_ms)
		c->grace_ms = c->verdict_by_ms;
}
