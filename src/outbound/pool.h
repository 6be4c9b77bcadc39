/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.h - the connections of one account, and what they know together.
 *
 * Couriers and deliveries report the provider's answers here, and ask what
 * follows.  When a courier is opened is decided above (dispatch.h).
 *
 * The account knows the state of the login, and whether it may be used
 * (account/account.h).
 */
#ifndef OUTBOUND_POOL_H
#define OUTBOUND_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/account.h"
#include "base/list.h"
#include "mail/envelope.h"
#include "outbound/outbound.h"

/* A message whose answer closed the account; see pool_heard_of(). */
struct pool_culprit {
	char id[ENVELOPE_ID_SIZE];
	uint64_t sent; /* by the account, at that time */
};

enum { POOL_CULPRITS_MAX = 8 };

struct pool {
	/* What couriers and deliveries work with. */
	struct loop *loop;
	struct queue *queue;
	struct account *account;
	int handle; /* of the account, in the queue */
	const struct outbound_hooks *hooks;

	/* Its own. */
	struct list couriers;
	struct loop_timer *timer;
	int64_t extra_at_ms; /* no further one before this time */
	size_t unsettled; /* partial results that are being synced */
	char suspect[ENVELOPE_ID_SIZE]; /* see pool_suspects() */
	struct pool_culprit culprits[POOL_CULPRITS_MAX]; /* a ring */
	size_t next_culprit;
	size_t silences; /* connections given up since a message was taken */
	int64_t slow_ms; /* the slowest answer of late */
	bool is_stopping;
	bool is_turning; /* within dispatch_turn() */
};

/* turn(): dispatch_turn(). */
struct pool *pool_new(struct loop *l, struct queue *q, struct account *a,
    const struct outbound_hooks *hooks, void (*turn)(void *pool));
/* After dispatch_cut() and the queue's last report, or when stopped. */
void pool_free(struct pool *p);

/* turn() comes soon; pool_look(): if there is something to do. */
void pool_turn_soon(struct pool *p);
void pool_look(struct pool *p);
/* The account is allowed another try. */
void pool_reopen(struct pool *p);
/* After dispatch_stop(). */
void pool_resume(struct pool *p);
/* No courier is left, and every result is durable. */
bool pool_has_stopped(const struct pool *p);

/* May a courier take another message now, and is one due? */
bool pool_may_take(const struct pool *p);
bool pool_has_work(const struct pool *p);
size_t pool_connections_max(const struct pool *p);
/* There are as many couriers as there are; wants_more: one more would be
 * useful. */
void pool_count_connections(struct pool *p, bool wants_more);

/* --- for couriers --------------------------------------------------------- */

/* How many messages one connection may carry, 0: any number. */
size_t pool_per_connection(const struct pool *p);
/* One of several connections has failed: for a while no further one is opened
 * beside those that work. */
void pool_wait_with_extra(struct pool *p);
/* How long a connection may be silent before it makes room for another.  A
 * provider that answers slowly must get the time to do so: it grows with each
 * round of connections that were given up while no message was accepted, and is
 * at least twice as long as the slowest recent answer. */
int64_t pool_silence_ms(const struct pool *p);
void pool_fell_silent(struct pool *p);
void pool_answered(struct pool *p, int64_t took_ms);
/* A courier has left the list. */
void pool_courier_gone(struct pool *p);

/* --- for deliveries ------------------------------------------------------- */

/* The provider has accepted a message, over a connection made with o. */
void pool_sent(struct pool *p, const struct account_opts *o);
/* account_heard() for the answer to a message, which may be the message's own
 * fault whatever the reply says: it is tried last when the account opens again,
 * and if it gets such an answer once more although others were accepted in
 * between, the account stays open.  False then: the message is charged. */
bool pool_heard_of(struct pool *p, const struct account_opts *o,
    const struct answer *answer, const char *id);
/* This message was being answered when a connection broke.  True: so it was the
 * previous time. */
bool pool_suspects(struct pool *p, const char *id);
/* A partial result is being synced: no courier takes a message until then. */
void pool_settling(struct pool *p);
void pool_settled(void *pool);

#endif
