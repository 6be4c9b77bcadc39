/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message_client.h - who submitted a message. */
#ifndef QUEUE_MESSAGE_CLIENT_H
#define QUEUE_MESSAGE_CLIENT_H

#include "base/list.h"
#include "queue/queue.h"

struct queue_message;

enum client_state {
	CLIENT_TOLD, /* or there never was one */
	CLIENT_WAITING,
	CLIENT_GONE /* before it could be told */
};

/* Who submitted it. */
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

/* What is called back when everything else is done. */
struct client_call {
	void (*on_accepted)(void *ctx, const struct queue_told *t);
	void *accepted_ctx;
	struct queue_told t;
};

/* Can the client of this one be told now? */
bool message_can_tell(const struct queue_message *msg);
/* The boot time at which that can change without an event; INT64_MAX. */
int64_t message_deadline(const struct queue_message *msg);
/* It is told, as soon as the caller makes this call. */
void message_tell_client(struct queue_message *msg, struct client_call *c);

/* Somebody does, until message_tell_client(); nobody is told before
 * message_is_ready(). */
void message_waits(struct queue_message *msg, struct queue_draft *d,
    enum queue_mode mode, int64_t verdict_by_ms);
void message_calls(struct queue_message *msg,
    void (*on_accepted)(void *ctx, const struct queue_told *t), void *ctx);
void message_calls_taken(
    struct queue_message *msg, void (*on_taken)(void *ctx), void *ctx);
void message_is_ready(struct queue_message *msg);
void message_client_leaves(struct queue_message *msg);
/* For no provider: whatever becomes of it, the disk decides. */
void message_wait_no_more(struct queue_message *msg);
/* Now is the time at which it has waited enough. */
void message_hurry(struct queue_message *msg);
/* The disk has failed; so long the provider may still save it. */
void message_has_grace(struct queue_message *msg, int64_t until_ms);

#endif
