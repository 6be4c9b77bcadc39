/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier.h - one outgoing connection that carries deliveries.
 *
 * Dials the port its pool names, wraps TLS, logs in, then takes messages from
 * the queue while it may, several under way at once where the server allows,
 * stays logged in for a while, and says QUIT.  Tells its pool what became of
 * the connection, and the queue what became of each message.
 *
 * Knows the other couriers of its pool, which dispatch.h opens; but one that
 * may carry few more messages opens the next itself, so that none waits for a
 * login.  Belongs to its pool's list; frees itself when the connection is over.
 */
#ifndef OUTBOUND_COURIER_H
#define OUTBOUND_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct courier;
struct pool;

void courier_open(struct pool *p);
/* Cuts the connection; messages under way go back to the queue. */
void courier_free(struct courier *c);
/* A message is due: take it if there is room. */
void courier_turn(struct courier *c);
/* An answer is missing for so long that the connection gets no new message;
 * before the login, any progress. */
bool courier_is_stalled(const struct courier *c);
/* It will soon take more messages, because the server answers. */
bool courier_is_growing(const struct courier *c);
/* It carries a message that is suspected (pool.h), and no other. */
bool courier_carries_suspect(const struct courier *c);
/* One may be taken: a connection is left for others, or there is only one. */
bool courier_may_try(const struct pool *p);
/* It has sent its password and has no answer yet. */
bool courier_is_asking(const struct courier *c);
/* From this time on (boot clock) a stalled connection may be closed if messages
 * wait for its place; INT64_MAX: never. */
int64_t courier_hopeless_at(const struct courier *c);
void courier_give_up(struct courier *c);
/* Finish what is under way, then QUIT. */
void courier_stop(struct courier *c);
/* Likewise for one that is logged in, although its pool goes on. */
void courier_retire(struct courier *c);
bool courier_is_leaving(const struct courier *c); /* it takes no message */
bool courier_is_ready(const struct courier *c); /* logged in */
/* How many connections the provider counts as this account's. */
size_t courier_count(const struct pool *p);
struct courier *courier_of_link(struct list *link);

#endif
