/* SPDX-License-Identifier: GPL-3.0-or-later */
/* claim.h - the attempt to deliver a message: from the claim that outbound
 * takes until everything that came of it is written down.
 *
 * Taking a message reads a local store (body.h).  Nothing else blocks.
 */
#ifndef QUEUE_CLAIM_H
#define QUEUE_CLAIM_H

#include "mail/verdict.h"
#include "queue/queue.h"

struct queue_message;

enum result { /* the result of the last attempt */
	RESULT_NONE, /* no attempt has ended */
	RESULT_UNTRIED,
	RESULT_LATER, /* tried; recipients still wait */
	RESULT_SENT, /* every recipient has the message */
	RESULT_FAILED /* no recipient waits, and some have failed */
};

struct queue_claim {
	struct queue_message *msg;
};

/* The attempt in progress, or the last one.  Written by claim.c alone. */
struct message_attempt {
	bool is_active;
	struct queue_claim claim;
	struct verdict **answers; /* per recipient; owned */
	void (*on_marked)(void *ctx);
	void *marked_ctx;
	/* The commit mark could not be written, or another relay owns the
	 * message: the end of the message must not be sent. */
	bool is_denied;
	/* per recipient: the commit mark names it and no answer has come; NULL:
	 * none */
	bool *uncertain;
	/* the verdict of those recipients if no answer comes */
	struct verdict *unanswered;
	enum result result;
	struct verdict verdict; /* RESULT_SENT, or is_refused */
	bool is_refused; /* refused by the provider while the client waited */
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	/* on_durable() waits until the notes are synced */
	bool must_be_durable;
};

/* What message_advance() calls back at its end; see queue_claim_mark() and
 * queue_claim_end(). */
struct attempt_calls {
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	void (*on_marked)(void *ctx);
	void *marked_ctx;
};

/* Frees the recipients' answers of the attempt that has ended. */
void message_drop_answers(struct queue_message *msg);
/* The message has exceeded its lifetime: every waiting recipient fails. */
void message_expire(struct queue_message *msg);
/* Found after a crash in the middle of an attempt: recipients named in the
 * commit mark may have the message although no answer was recorded. */
void message_recover(struct queue_message *msg);

/* The attempt has ended. */
void message_end_attempt(struct queue_message *msg);
/* Found at a start: no recipient waits, and some have failed. */
void message_set_failed(struct queue_message *msg);
/* Forgets the attempt, because everything that followed from it has been
 * done. */
void message_forget_attempt(struct queue_message *msg);
/* The commit mark cannot be written to a shared store: the end of the message
 * must not be sent. */
void message_deny(struct queue_message *msg);
/* Fills in the callbacks whose condition has become true, each once.  The
 * others are NULL. */
void message_tell_attempt(struct queue_message *msg, struct attempt_calls *c);

#endif
