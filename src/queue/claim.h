/* SPDX-License-Identifier: GPL-3.0-or-later */
/* claim.h - the attempt at a message. */
#ifndef QUEUE_CLAIM_H
#define QUEUE_CLAIM_H

#include "mail/verdict.h"
#include "queue/queue.h"

struct queue_message;

enum result { /* of the last attempt */
	RESULT_NONE, /* none has ended */
	RESULT_UNTRIED,
	RESULT_LATER, /* tried, and recipients are left */
	RESULT_SENT, /* to all */
	RESULT_FAILED /* none left to try, and some have failed */
};

struct queue_claim {
	struct queue_message *msg;
};

/* The attempt under way, or the last one (claim.c). */
struct message_attempt {
	bool is_active;
	struct queue_claim claim;
	struct verdict **answers; /* per recipient */
	void (*on_marked)(void *ctx);
	void *marked_ctx;
	/* Its commit mark could not be written, or it is another process's. */
	bool is_denied;
	bool *uncertain; /* per recipient: marked, and not answered yet; NULL:
			  * none is */
	struct verdict *unanswered; /* theirs, if it does not come */
	enum result result;
	struct verdict verdict; /* RESULT_SENT, or is_refused */
	bool is_refused; /* by the provider, while the client waited */
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	bool must_be_durable; /* on_durable() waits for the notes */
};

struct attempt_calls {
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	void (*on_marked)(void *ctx);
	void *marked_ctx;
};

/* What was heard in the attempt that is over. */
void message_drop_answers(struct queue_message *msg);
/* All that still wait have failed: too old. */
void message_expire(struct queue_message *msg);
/* A crash has ended the attempt at a message when its answer was awaited. */
void message_recover(struct queue_message *msg);

/* It is not under way any more. */
void message_end_attempt(struct queue_message *msg);
/* As a restart finds it: none is left to try. */
void message_has_failed(struct queue_message *msg);
/* What came of it has been dealt with. */
void message_forget_attempt(struct queue_message *msg);
/* Its commit mark cannot be written, and must be (a remote store). */
void message_deny(struct queue_message *msg);
/* The callback of a caller whose condition has become true, once; else NULL. */
void message_tell_attempt(struct queue_message *msg, struct attempt_calls *c);

#endif
