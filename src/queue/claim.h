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

/* The commit mark: the note that a message may have been delivered from now
 * on. */
enum mark {
	MARK_NONE, /* or it is on the disk */
	MARK_UNWRITTEN, /* the message is not there yet */
	MARK_WRITING
};

struct queue_claim {
	struct queue_message *msg;
};

/* The attempt under way, or the last one (claim.c). */
struct message_attempt {
	bool is_active;
	struct queue_claim claim;
	struct verdict **answers; /* per recipient */
	enum mark mark;
	void (*on_marked)(void *ctx);
	void *marked_ctx;
	bool *offered; /* per recipient: the answer is out; NULL: nobody's is */
	struct verdict *unanswered; /* theirs, if it does not come */
	enum result result;
	struct verdict verdict; /* RESULT_SENT, or is_refused */
	bool is_refused; /* by the provider, while the client waited */
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	bool must_be_durable; /* on_durable() waits for the notes */
};

/* What was heard in the attempt that is over. */
void message_drop_answers(struct queue_message *msg);
/* All that still wait have failed: too old. */
void message_expire(struct queue_message *msg);
/* A crash has ended the attempt at a message when its answer was awaited. */
void message_recover(struct queue_message *msg);

#endif
