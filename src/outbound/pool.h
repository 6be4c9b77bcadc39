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
#include "outbound/outbound.h"

struct queue_claim;

struct pool {
	/* Read by couriers, deliveries and dispatch.c. */
	struct loop *loop;
	struct queue *queue;
	struct account *account;
	int handle; /* of the account, in the queue */
	const struct outbound_hooks *hooks;

	struct list couriers; /* each puts itself on it, and leaves it */
	struct loop_timer *timer; /* the next turn */
	bool is_turning; /* written by dispatch_turn(), while it runs */

	/* Written by pool.c. */
	int64_t extra_at_ms; /* no further connection before this time */
	size_t unsettled; /* partial results that are being synced */
	size_t since_suspect; /* messages accepted; see pool_suspects() */
	/* Some were accepted between one trouble and the next. */
	bool blames_messages;
	int64_t vouched_until_ms; /* see pool_vouch() */
	size_t silences; /* connections given up since a message was taken */
	int64_t slow_ms; /* the slowest answer of late */
	bool is_stopping;
};

/* turn(): dispatch_turn(). */
struct pool *pool_new(struct loop *l, struct queue *q, struct account *a,
    const struct outbound_hooks *hooks, void (*turn)(void *pool));
/* After dispatch_cut() and the queue's last report, or when stopped. */
void pool_free(struct pool *p);

/* turn() comes soon; pool_turn_if_due(): if a message is due. */
void pool_turn_soon(struct pool *p);
void pool_turn_if_due(struct pool *p);
/* No message is taken until pool_resume(). */
void pool_stop(struct pool *p);
void pool_resume(struct pool *p);
/* The account has another server or login: nothing that was learnt about the
 * connections counts any more. */
void pool_forget_provider(struct pool *p);
/* No courier is left, and every result is durable. */
bool pool_has_stopped(const struct pool *p);

/* May a courier take another message now, and is one due, suspected or not? */
bool pool_may_take(const struct pool *p);
bool pool_has_work(const struct pool *p);
bool pool_has_suspect(const struct pool *p);
size_t pool_connections_max(const struct pool *p);
/* Reports the number of couriers to the account; wants_more: one more would be
 * useful. */
void pool_report_connections(struct pool *p, bool wants_more);

/* --- for couriers --------------------------------------------------------- */

/* The next message, or NULL; see pool_suspects().  may_try: the courier is able
 * to take one that is suspected. */
struct queue_claim *pool_take(struct pool *p, bool may_try);
/* How many messages one connection may have under way, 0: any number. */
size_t pool_under_way_max(const struct pool *p);
/* How many messages one connection may carry, 0: any number. */
size_t pool_per_connection(const struct pool *p);
/* One of several connections has failed: for a while no further one is opened
 * beside those that work. */
void pool_wait_with_extra(struct pool *p);
/* How long a connection may be silent before it makes room for another.  A
 * provider that answers slowly must get the time to do so: it grows with each
 * round of connections that were given up while no message was accepted, and is
 * at least twice as long as the slowest recent answer.  It begins short where
 * single messages are the cause. */
int64_t pool_silence_ms(const struct pool *p);
void pool_fell_silent(struct pool *p);
void pool_answered(struct pool *p, int64_t took_ms);
/* A connection with the full window was answered: the provider works well, and
 * for a few seconds the other connections need not find that out step by step
 * (smtp_client_vouch()), unless one of them stalls. */
void pool_vouch(struct pool *p);
void pool_stalls(struct pool *p);
bool pool_is_vouched_for(const struct pool *p);
/* A courier has left the list. */
void pool_courier_gone(struct pool *p);

/* --- for deliveries ------------------------------------------------------- */

/* The provider has accepted a message, over a connection made with o. */
void pool_sent(struct pool *p, const struct account_opts *o);
/* What stops a connection, or the account, while a message is answered may be
 * the provider's trouble or the message's own fault, whatever the reply says: a
 * filter that hangs up or falls silent, a sender that is counted separately.
 * One rule finds out, so that no such message holds up others:
 *
 * The message is suspected.  Until the provider accepts one, pool_take() draws
 * another message, at random and if possible one that is not suspected.  If it
 * is accepted, the account works; if the provider breaks off again, it is more
 * and more likely that the provider is in trouble.  So the pauses begin short
 * and grow (BLAME_OPEN), and an accepted message ends them.  A suspected
 * message that does it again although others were accepted in between is the
 * cause (pool_is_known_cause()): it costs the account only a moment
 * (BLAME_MESSAGE).
 *
 * The suspected message is charged with the attempt, so that it waits by
 * itself, unless this may have been chance (judge_suspicion() in
 * delivery_end.c) or the account stands down for it.  It is tried again after
 * all others, unless so many have been accepted since that there is no end to
 * them.  It is then alone on its connection, and one connection is left for the
 * others, unless there is only one.
 *
 * A message is suspected as soon as its connection stalls, except while the
 * answer to its end is awaited, which has its ten minutes (RFC 5321
 * 4.5.3.2.6).
 *
 * A message behind it on the connection that is sent completely may have been
 * taken, and has to wait as well.  So each connection has one message under way
 * at first, and one more for each ten that are accepted. */
void pool_suspects(struct pool *p, struct queue_claim *qd);
/* It was suspected, and others have been accepted since. */
bool pool_is_known_cause(const struct pool *p, const struct queue_claim *qd);
/* Reports the answer to a message by account_heard(), which may pause or hold
 * the account.  False: the message is charged. */
bool pool_report_answer(struct pool *p, const struct account_opts *o,
    const struct answer *answer, struct queue_claim *qd);
/* A partial result is being synced: no courier takes a message until then. */
void pool_settling(struct pool *p);
void pool_settled(void *pool);

#endif
