/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.h - when the connections of an account are opened, given work, and
 * closed.
 *
 * A courier is opened when something is due, more when the first is ready and
 * there is more, never more than max_connections; one at a time until a login
 * has worked, so that a wrong password is tried once and not five times.  A
 * courier that is stalled does not count as one: what waits gets another.  When
 * all there may be are stalled, the one that has been silent for longest makes
 * room.
 */
#ifndef OUTBOUND_DISPATCH_H
#define OUTBOUND_DISPATCH_H

struct pool;

/* Something may be due.  For pool_new(), too. */
void dispatch_turn(void *pool);
/* The couriers finish what they carry: the account has a new server or
 * login. */
void dispatch_renew(struct pool *p);
/* Some finish what they carry, so that there are no more than
 * account_may_connect() allows. */
void dispatch_give_way(struct pool *p);
/* All do, and no other is opened until pool_resume(). */
void dispatch_stop(struct pool *p);
/* Cuts what is under way; messages stay in the queue. */
void dispatch_cut(struct pool *p);

#endif
