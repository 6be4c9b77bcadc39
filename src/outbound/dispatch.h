/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.h - when the connections of an account are opened, given work, and
 * closed.
 *
 * A courier is opened when a message is due, and more when the first is ready
 * and more messages wait, never more than max_connections.  Until a login has
 * worked they are opened one at a time, so that a wrong password is tried once
 * and not five times; a stalled courier does not count here, but at most two
 * wait for the answer to their password.  If as many couriers as allowed are
 * open and all are stalled, the one that has been silent for longest is closed.
 */
#ifndef OUTBOUND_DISPATCH_H
#define OUTBOUND_DISPATCH_H

struct pool;

/* Opens couriers and gives them work, if messages are due.  Passed to
 * pool_new(). */
void dispatch_turn(void *pool);
/* The account has a new server or login: the couriers finish what they carry,
 * and what is known of the provider is forgotten. */
void dispatch_renew(struct pool *p);
/* Some couriers finish what they carry and end, until there are no more than
 * account_may_connect() allows. */
void dispatch_give_way(struct pool *p);
/* All couriers finish what they carry and end, and no other is opened until
 * pool_resume(). */
void dispatch_stop(struct pool *p);
/* Cuts all connections; messages stay in the queue. */
void dispatch_cut(struct pool *p);

#endif
