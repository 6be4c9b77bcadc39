/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.h - the connections of one account.
 *
 * A courier is opened when something is due, more when the first is ready and
 * there is more, never more than max_connections, and one at a time, so that a
 * wrong password is tried once and not five times.  A courier that is stalled
 * does not count as one: what waits gets another.  When all there may be are
 * stalled, the one that has been silent for longest makes room.
 *
 * What is true of the login, and whether it may be used now, is the account's to
 * know (account/account.h).
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

struct courier;

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
	const struct rng *rng;
	struct account *account;
	int handle; /* of the account, in the queue */
	const struct outbound_hooks *hooks;

	/* Its own. */
	struct list couriers;
	struct loop_timer *timer;
	int64_t extra_at_ms; /* see pool_works_without() */
	size_t unsettled; /* partial results that are being synced */
	char suspect[ENVELOPE_ID_SIZE]; /* see pool_suspects() */
	struct pool_culprit culprits[POOL_CULPRITS_MAX]; /* a ring */
	size_t next_culprit;
	size_t silences; /* connections given up since a message was taken */
	int64_t slow_ms; /* the slowest answer of late */
	bool is_stopping;
	bool is_turning; /* within pool_turn() */
};

struct pool *pool_new(struct loop *l, struct queue *q, const struct rng *rng,
    struct account *a, const struct outbound_hooks *hooks);
/* Cuts what is under way; messages stay in the queue. */
void pool_cut(struct pool *p);
/* After pool_cut(), when the queue has said its last word, or when stopped. */
void pool_free(struct pool *p);

/* Something may be due. */
void pool_turn(struct pool *p);
void pool_turn_soon(struct pool *p);
/* The account is allowed another try. */
void pool_reopen(struct pool *p);
/* What there is finishes what it carries: the account goes another way. */
void pool_renew(struct pool *p);
void pool_stop(struct pool *p);
void pool_resume(struct pool *p);
/* No courier is left, and every result is durable. */
bool pool_has_stopped(const struct pool *p);
size_t pool_count(const struct pool *p);

/* --- for couriers --------------------------------------------------------- */

/* May one take another message now? */
bool pool_may_take(const struct pool *p);
/* How many messages one connection may carry, 0: any number. */
size_t pool_per_connection(const struct pool *p);
/* This one will soon have carried all it may: the next one logs in meanwhile, so
 * that nothing waits for that. */
void pool_relieve(struct pool *p);
/* There is another one that could take what waits: what happens to this one is
 * no reason to stop them, and is logged; but for a while no further one is
 * opened beside those that work. */
bool pool_works_without(
    struct pool *p, const struct courier *c, const char *why);
/* One has the whole window: the server is well. */
bool pool_vouches(const struct pool *p);
/* Another one has to earn its window and is given what is due first, by
 * pool_turn(): so it has it by the time that it is needed. */
bool pool_favours_other(const struct pool *p, const struct courier *c);
/* One has become slow or stalled: another may be needed. */
void pool_look(struct pool *p);
/* How long a connection may say nothing before it makes room for another.  A
 * provider that answers slowly, but does, must get there: the time grows with
 * each round of connections that were given up while no message was taken, and
 * is twice what an answer took of late. */
int64_t pool_silence_ms(const struct pool *p);
void pool_fell_silent(struct pool *p);
void pool_answered(struct pool *p, int64_t took_ms);
/* It frees itself right after this. */
void pool_courier_gone(struct pool *p);

/* --- for deliveries ------------------------------------------------------- */

/* A message was taken by the provider, over a connection made by o. */
void pool_sent(struct pool *p, const struct account_opts *o);
/* account_heard() for the answer to a message, which may be the message's own
 * fault whatever the reply says: it is the last one to be tried when the account
 * opens again, and if it hears the like once more although others went well in
 * between, the account is not closed for it.  False, then: it is charged. */
bool pool_heard_of(struct pool *p, const struct account_opts *o,
    const struct answer *answer, const char *id);
/* This message was being answered when a connection broke.  True: it was the
 * last time, too. */
bool pool_suspects(struct pool *p, const char *id);
/* A partial result is being synced: nobody takes a message until then. */
void pool_settling(struct pool *p);
void pool_settled(void *pool);

#endif
