/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delivery_impl.h - the inside of a delivery, for its own two files: delivery.c
 * makes transactions and hears their answers, delivery_end.c decides what
 * became of the message.
 */
#ifndef OUTBOUND_DELIVERY_IMPL_H
#define OUTBOUND_DELIVERY_IMPL_H

#include "net/loop.h"
#include "outbound/answers.h"
#include "outbound/delivery.h"
#include "outbound/pool.h"

/* The commit mark of a transaction (queue_claim_mark()).  The last byte of the
 * message must not be sent before it is written. */
enum delivery_mark {
	DELIVERY_UNMARKED,
	DELIVERY_MARKING, /* being written */
	DELIVERY_MARKED,
	DELIVERY_DENIED /* could not be written */
};

struct delivery {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* the options when it began */
	struct queue_claim *qd;
	const struct envelope *env;
	const struct delivery_remote *remote;
	struct smtp_job job;
	struct smtp_job_rcpt *rcpts; /* of the transaction in progress */
	size_t *index; /* rcpts[i] is env->rcpts[index[i]] */
	bool *offered; /* one per env->rcpts: named in a RCPT so far */
	size_t first; /* recipients before this one wait for another attempt */
	size_t split; /* recipients accepted before the server took no more */
	struct answers answers; /* one per env->rcpts */
	struct content *content;
	/* of env->rcpts; NULL where the address is sent as it is */
	char **addrs;
	size_t naddrs;
	char *sender; /* the sender in that form, or NULL */
	int64_t began_ms;
	bool is_busy; /* a transaction is in progress */
	bool was_answered; /* one of several was */
	enum delivery_mark mark;
	bool has_dsn; /* the server sends notices itself */
	bool is_sent; /* some recipient was accepted */
	bool is_void; /* it waits for a reason outside the message */
	bool was_suspect; /* suspected before this connection */
	enum delivery_blame blame; /* at its end */
	/* class set: the message waits until a person changes a setting */
	struct answer hold;
};

static inline int64_t
delivery_now_ms(const struct delivery *d)
{
	return loop_now_ms(d->pool->loop);
}

#endif
