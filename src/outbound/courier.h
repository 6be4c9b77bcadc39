/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier.h - one outgoing connection that carries deliveries.
 *
 * A courier dials the port that account_way() names, wraps TLS, logs in, and
 * then takes messages from the queue, several under way at once where the
 * server allows it.  It stays logged in for a while, and says QUIT.  It reports
 * to the account what became of the connection, and each delivery to the queue
 * what became of its message.
 *
 * dispatch.h opens the couriers of a pool; but a courier that may carry few
 * more messages opens the next one itself, so that none waits for a login.  The
 * pool's list owns the couriers; each frees itself when its connection is over.
 */
#ifndef OUTBOUND_COURIER_H
#define OUTBOUND_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct courier;
struct pool;

/* Adds a courier to the pool and begins to connect. */
void courier_open(struct pool *p);
/* Cuts the connection; messages under way go back to the queue. */
void courier_free(struct courier *c);
/* A message may be due: the courier takes it if it has room. */
void courier_turn(struct courier *c);
/* True: an answer (before the login: any progress) has been missing for so long
 * that the connection gets no new message. */
bool courier_is_stalled(const struct courier *c);
/* True: the courier will soon take more messages, because the server
 * answers. */
bool courier_is_growing(const struct courier *c);
/* True: it carries a message that is suspected (pool.h), and no other. */
bool courier_carries_suspect(const struct courier *c);
/* True: a courier may take a suspected message, because a connection is left
 * for the others, or there is only one. */
bool courier_may_try(const struct pool *p);
/* True: it has sent its password and has no answer yet. */
bool courier_is_asking(const struct courier *c);
/* From this time on (boot clock) a stalled connection may be closed if messages
 * wait for its place; INT64_MAX: never. */
int64_t courier_hopeless_at(const struct courier *c);
/* Closes a connection that is hopeless; its messages go back to the queue. */
void courier_give_up(struct courier *c);
/* The courier finishes what is under way, then says QUIT. */
void courier_stop(struct courier *c);
/* Likewise for a courier that is logged in, while its pool continues. */
void courier_retire(struct courier *c);
bool courier_is_leaving(const struct courier *c); /* it takes no message */
bool courier_is_ready(const struct courier *c); /* logged in */
/* How many connections the provider counts as this account's. */
size_t courier_count(const struct pool *p);
struct courier *courier_of_link(struct list *link);

#endif
