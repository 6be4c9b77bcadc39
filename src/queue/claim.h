/* SPDX-License-Identifier: GPL-3.0-or-later */
/* claim.h - the attempt to deliver a message: from the claim that outbound
 * takes until all that came of it is written down.  Nothing blocks. */
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
	/* Its commit mark could not be written, or another relay has the
	 * message. */
	bool is_denied;
	bool *uncertain; /* per recipient: marked, and not answered yet; NULL:
			  * none is */
	struct verdict *unanswered; /* of those, if no answer comes */
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

/* Frees the answers of the attempt that is over. */
void message_drop_answers(struct queue_message *msg);
/* The message is too old: the recipients who still wait have failed. */
void message_expire(struct queue_message *msg);
/* After a crash in the middle of an attempt: recipients may have been served
 * whose answer never came. */
void message_recover(struct queue_message *msg);

/* The attempt is not under way any more. */
void message_end_attempt(struct queue_message *msg);
/* Found at a restart: no recipient is left to try, and some have failed. */
void message_has_failed(struct queue_message *msg);
/* All that followed from the attempt has been done. */
void message_forget_attempt(struct queue_message *msg);
/* The commit mark cannot be written, and a store that is shared must have it:
 * the end of the message must not be sent. */
void message_deny(struct queue_message *msg);
/* Fills in the callbacks whose condition has become true, each once; the others
 * are NULL. */
void message_tell_attempt(struct queue_message *msg, struct attempt_calls *c);

#endif
