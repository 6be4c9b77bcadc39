/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outbound.h - the accounts at work: takes what is due, returns verdicts.
 *
 * One pool (outbound/pool.h) per account, in the order of the configuration;
 * the index of a pool is the account index of queue.h.  Knows the queue and
 * nothing of who submitted.
 */
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "outbound/pool.h"

struct outbound;

/* opts: one per account.  What they point to stays valid until every pool made
 * from them is gone; retired() tells when that is so for one array. */
/* is_restart: as pool_new() has it. */
struct outbound *outbound_new(struct loop *l, struct queue *q,
    const struct rng *rng, const struct pool_opts *opts, size_t n,
    bool is_restart);
/* Cuts every connection; messages go back to the queue, whose word about them
 * may still come. */
void outbound_cut(struct outbound *o);
/* After outbound_cut() and queue_free(), or when it is idle. */
void outbound_free(struct outbound *o);

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
/* No connection is left. */
bool outbound_has_stopped(const struct outbound *o);
/* And no worker reads the options any more. */
bool outbound_is_idle(const struct outbound *o);

/* As pool_is_away(). */
bool outbound_is_away(const struct outbound *o, size_t account);

size_t outbound_count(const struct outbound *o);
void outbound_status(
    const struct outbound *o, size_t account, struct pool_status *ret);

#endif
