/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.h - one incoming conversation: a stream, the server engine, the
 * intake, and one draft of the queue at a time.
 *
 * After the end of a message a session says only what the queue has answered.
 * Internal to inbound.  Nothing blocks, except that locals.resolve()
 * (rewrite/locals.h) may read the aliases.
 */
#ifndef INBOUND_SESSION_H
#define INBOUND_SESSION_H

#include <stdbool.h>

#include "base/list.h"
#include "inbound/incoming.h"
#include "net/loop.h"

struct session;
struct stream;

/* All sessions of an inbound. */
struct session_set {
	struct inbound_shared *shared;
	struct list sessions;
	size_t count;
	bool is_stopping, is_hurried; /* see inbound_stop(), inbound_hurry() */
	struct loop_task task; /* the next turn, */
	/* of sessions whose clients have sent more, in this order */
	struct list waiting;
};
void session_set_init(struct session_set *set, struct inbound_shared *sh);

/* Takes over fd.  listener is borrowed while the session exists.  A client that
 * is not allowed, or for which there is no room, gets 421. */
void session_start(
    struct session_set *set, const struct inbound_listener *listener, int fd);
/* The set is stopping or hurried: says 421 if the session may be ended. */
void session_stop(struct session *s);
void session_free(struct session *s);
/* True: the connection was accepted by this listener. */
bool session_came_by(
    const struct session *s, const struct inbound_listener *listener);
struct session *session_of_link(struct list *link);

#endif
