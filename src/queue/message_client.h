/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message_client.h - the client that submitted a message, and what it waits
 * for.
 *
 * The decision that 250 may be said is made here: message_can_tell().  Nothing
 * blocks.
 */
#ifndef QUEUE_MESSAGE_CLIENT_H
#define QUEUE_MESSAGE_CLIENT_H

#include "base/list.h"
#include "queue/queue.h"

struct queue_message;

enum client_state {
	CLIENT_TOLD, /* or the message never had a client */
	CLIENT_WAITING,
	CLIENT_GONE /* the client left before it was told */
};

struct message_client {
	struct list link; /* in q->clients, until the client is told */
	enum client_state state;
	enum queue_mode mode;
	bool is_ending; /* within queue_draft_end() */
	int64_t verdict_by_ms, grace_ms;
	struct queue_draft *draft;
	void (*on_accepted)(void *ctx, const struct queue_told *t);
	void *accepted_ctx;
	void (*on_taken)(void *ctx);
	void *taken_ctx;
};

/* The callback that tells the client.  The caller of message_tell_client()
 * makes it when it no longer touches the message, because the callback may free
 * it. */
struct client_call {
	void (*on_accepted)(void *ctx, const struct queue_told *t);
	void *accepted_ctx;
	struct queue_told t;
};

/* True: the client waits and its answer is known.  The message is safe on the
 * disk or was delivered (250), was refused, or cannot be kept. */
bool message_can_tell(const struct queue_message *msg);
/* The time (boot clock) at which message_can_tell() may become true without an
 * event; INT64_MAX: only an event can do that. */
int64_t message_deadline(const struct queue_message *msg);
/* Marks the client as told and fills in *c, the call that tells it. */
void message_tell_client(struct queue_message *msg, struct client_call *c);

/* A client waits for the answer, in verdict mode at most until verdict_by_ms
 * (boot clock).  It is told nothing before message_set_ready(), so that
 * queue_draft_end() returns first. */
void message_waits(struct queue_message *msg, struct queue_draft *d,
    enum queue_mode mode, int64_t verdict_by_ms);
/* What to call when the client can be told, and when the provider has accepted
 * the message. */
void message_calls(struct queue_message *msg,
    void (*on_accepted)(void *ctx, const struct queue_told *t), void *ctx);
void message_calls_taken(
    struct queue_message *msg, void (*on_taken)(void *ctx), void *ctx);
void message_set_ready(struct queue_message *msg);
/* The client has disconnected; the message stays. */
void message_client_leaves(struct queue_message *msg);
/* The client no longer waits for the provider's verdict: the disk alone
 * decides. */
void message_wait_no_more(struct queue_message *msg);
/* The time for a verdict is over. */
void message_hurry(struct queue_message *msg);
/* The disk has failed.  Until until_ms (boot clock) a delivery may still save
 * the message; the client is told of the failure only after that. */
void message_set_grace(struct queue_message *msg, int64_t until_ms);

#endif
