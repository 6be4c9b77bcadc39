/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outbound.h - the accounts at work: takes what is due, returns verdicts.
 *
 * One pool (outbound/pool.h) per account, found by its name.  Its handle is the
 * account index of queue.h: it stays the same as long as the account has its
 * name, wherever that stands in the configuration, and while an account that is
 * gone finishes what it carries nobody else gets its handle.  Knows the queue
 * and nothing of who submitted.
 */
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "outbound/pool.h"

struct outbound;

struct outbound *outbound_new(
    struct loop *l, struct queue *q, const struct rng *rng);
/* From now on these are the accounts.  Those whose name was there before go on
 * with their new options (pool_set_opts()), others begin, and what is missing
 * finishes what it carries and goes.  Takes over each of opts, not the array.
 * The caller asks the queue to route everything anew, with
 * outbound_handles(). */
void outbound_set(struct outbound *o, struct pool_opts *const *opts, size_t n);
/* Cuts every connection; messages go back to the queue, whose word about them
 * may still come. */
void outbound_cut(struct outbound *o);
/* After outbound_cut() and queue_free(), or when it has stopped. */
void outbound_free(struct outbound *o);

/* How many accounts outbound_set() named; the handle of the i-th of them. */
size_t outbound_count(const struct outbound *o);
int outbound_handle(const struct outbound *o, size_t i);
/* Every handle is less than this. */
int outbound_handles(const struct outbound *o);

/* For queue_hooks.wake: notes it; the work is done by outbound_turn(). */
void outbound_wake(struct outbound *o, int account);
/* Does what outbound_wake() noted. */
void outbound_turn(struct outbound *o);

/* `relais flush`: paused and held accounts try at once; -1: all.  is_gentle: as
 * pool_flush() has it. */
void outbound_flush(struct outbound *o, int account, bool is_gentle);
/* An address or route changed: paused accounts try soon. */
void outbound_network_changed(struct outbound *o);

/* A clean stop: no new deliveries, couriers finish what is under way. */
void outbound_stop(struct outbound *o);
/* No connection is left, and every result is durable. */
bool outbound_has_stopped(const struct outbound *o);

/* As pool_is_away(). */
bool outbound_is_away(const struct outbound *o, int account);

/* False: no account has this handle. */
bool outbound_status(
    const struct outbound *o, int account, struct pool_status *ret);

#endif
