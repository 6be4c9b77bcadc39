/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delivery_impl.h - the inside of a delivery, for its own two files: delivery.c
 * makes its transactions and hears their answers, delivery_end.c says what
 * became of the message.
 */
#ifndef OUTBOUND_DELIVERY_IMPL_H
#define OUTBOUND_DELIVERY_IMPL_H

#include "net/loop.h"
#include "outbound/answers.h"
#include "outbound/delivery.h"
#include "outbound/pool.h"

/* The commit mark of a transaction (queue_claim_mark()), without which the last
 * byte of the message must not go. */
enum delivery_mark {
	DELIVERY_UNMARKED,
	DELIVERY_MARKING, /* it is being written */
	DELIVERY_MARKED,
	DELIVERY_DENIED /* it could not be written */
};

struct delivery {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* as they were when it began */
	struct queue_claim *qd;
	const struct envelope *env;
	struct delivery_remote *remote;
	struct smtp_job job;
	struct smtp_job_rcpt *rcpts; /* of the transaction under way */
	size_t *index; /* rcpts[i] is env->rcpts[index[i]] */
	bool *offered; /* one per env->rcpts: at RCPT, now or before */
	size_t split; /* recipients taken before the server said: no more */
	struct answers answers; /* one per env->rcpts */
	struct content *content;
	char **addrs; /* of env->rcpts where the wire needs another form */
	size_t naddrs;
	char *sender; /* likewise, or NULL */
	int64_t began_ms;
	bool is_busy; /* a transaction is under way */
	enum delivery_mark mark;
	bool has_dsn; /* the server tells senders itself */
	bool is_sent; /* some recipient was accepted */
	bool is_void; /* it waits for a reason that is not its own */
	bool was_suspect; /* before this connection */
	struct answer hold; /* class set: this message waits until a person
			     * changes a setting */
};

static inline int64_t
delivery_now_ms(const struct delivery *d)
{
	return loop_now_ms(d->pool->loop);
}

#endif
