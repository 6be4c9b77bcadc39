/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outbound.h - sends the messages that are due, and returns verdicts to the
 * queue.
 *
 * Each account has a pool of connections (outbound/pool.h).  Knows the queue
 * and the accounts, not the submitters.  Nothing blocks but the reading of a
 * message from the disk.
 */
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/rng.h"

struct accounts;
struct envelope;
struct loop;
struct outbound;
struct queue;

struct outbound_hooks {
	/* Recipients of this message that are RCPT_SENT wanted a notice, and
	 * the provider sends none; head is the header of the message.  Or
	 * NULL. */
	void (*relayed)(
	    void *ctx, const struct envelope *env, struct bytes header);
	void *ctx;
};

/* Listens to the accounts from now on.  Before the first accounts_set(). */
struct outbound *outbound_new(struct loop *l, struct queue *q,
    struct accounts *accounts, const struct outbound_hooks *hooks);
/* Cuts every connection; messages go back to the queue, which may still report
 * on them. */
void outbound_cut(struct outbound *o);
/* After outbound_cut() and queue_free(), or when it has stopped. */
void outbound_free(struct outbound *o);

/* For queue_hooks.wake: takes note; outbound_turn() does the work. */
void outbound_wake(struct outbound *o, int account);
/* Does what outbound_wake() noted. */
void outbound_turn(struct outbound *o);

/* A clean stop: begins no delivery; couriers finish what is in progress. */
void outbound_stop(struct outbound *o);
/* True: no connection is left, and every result is durable. */
bool outbound_has_stopped(const struct outbound *o);

/* The present number of connections of this account. */
size_t outbound_couriers(const struct outbound *o, int account);

#endif
