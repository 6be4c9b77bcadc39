/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier.h - one outgoing connection that carries deliveries.
 *
 * Dials the port its pool names, wraps TLS, logs in, then takes messages from
 * the queue while it may, several under way at once where the server allows,
 * stays logged in for a while, and says QUIT.  Tells its pool what became of
 * the connection, and the queue what became of each message.
 *
 * Belongs to its pool's list; frees itself when the connection is over.
 */
#ifndef OUTBOUND_COURIER_H
#define OUTBOUND_COURIER_H

#include <stdbool.h>

#include "base/list.h"

struct courier;
struct pool;

void courier_open(struct pool *p);
/* Cuts the connection; messages under way go back to the queue. */
void courier_free(struct courier *c);
/* Something is due: take it if there is room. */
void courier_turn(struct courier *c);
/* Finish what is under way, then QUIT. */
void courier_stop(struct courier *c);
bool courier_is_ready(const struct courier *c); /* logged in */
struct courier *courier_of_link(struct list *link);

#endif
