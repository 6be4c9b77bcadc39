/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_server.h - the server side of the control socket, on the event loop.
 *
 * A table of the program says which verbs exist and who may use them.  This
 * module handles the connections: the framing, the limits, and that nothing a
 * client sends, omits or breaks off harms the daemon (R20).  Rights come from
 * the peer credentials of the socket and from nothing else.
 *
 * One step of one request of a connection is done in a turn of the loop,
 * however many were sent at once; mail is served in between.  A handler does
 * little in a step (a few milliseconds).
 *
 * At most CTL_CONNECTIONS_PER_UID connections for each user, and
 * CTL_CONNECTIONS_MAX together, of which root and the daemon's own user can
 * always have some; one that is idle for CTL_IDLE_MS is closed.
 */
#ifndef CTL_CTL_SERVER_H
#define CTL_CTL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

struct ctl_call;
struct ctl_server;
struct loop;

enum {
	CTL_CONNECTIONS_PER_UID = 8,
	CTL_CONNECTIONS_MAX = 64,
	CTL_CONNECTIONS_RESERVED = 8, /* for the privileged */
	CTL_IDLE_MS = 60 * 1000
};

/* Everybody has the first two, for what is theirs. */
enum ctl_right {
	CTL_LOOK, /* also for a connection that looks as another user */
	CTL_CHANGE,
	CTL_PRIVILEGED /* root or the daemon's own user */
};

struct ctl_verb {
	const char *name; /* NULL ends the table */
	enum ctl_right right;
	/* Called until it has said ctl_call_done() or ctl_call_refuse(), once
	 * in a turn of the loop, when there is room for more items: a listing
	 * gives items while ctl_call_has_room(), and not too many; what may
	 * take long looks at ctl_call_has_time() as well. */
	void (*run)(void *ctx, struct ctl_call *call);
};

/* fd is bound, listening, and taken over.  verbs is borrowed. */
int ctl_server_new(struct loop *l, int fd, const struct ctl_verb *verbs,
    void *ctx, struct ctl_server **ret, struct err *err);
/* Cuts every connection. */
void ctl_server_free(struct ctl_server *s);

/* --- for the handlers of verbs -------------------------------------------- */

uint32_t ctl_call_uid(const struct ctl_call *call);
bool ctl_call_is_privileged(const struct ctl_call *call);
/* From now on the connection is shown what that user is shown, and may do
 * nothing but look.  It counts as one of those who opened it. */
void ctl_call_look_as(struct ctl_call *call, uint32_t uid);
/* The arguments: an object, empty if none were given.  Borrowed. */
const json_t *ctl_call_args(const struct ctl_call *call);
/* The handler's own, NULL at its first call: how far it got.  Freed with
 * free_it() when the request is over, however it ends. */
void *ctl_call_state(const struct ctl_call *call);
void ctl_call_keep(
    struct ctl_call *call, void *state, void (*free_it)(void *state));

/* What comes next depends on something else: run() is not called again before
 * ctl_call_wake().  The connection may be silent meanwhile for longer than
 * CTL_IDLE_MS, and if its client closes it the request is over at once.  A
 * handler that waits keeps a state, whose free_it() ends what it waits for. */
void ctl_call_wait(struct ctl_call *call);
void ctl_call_wake(struct ctl_call *call);

/* From now on run() is also called when the client has sent a line. */
void ctl_call_listen(struct ctl_call *call);
/* The next line of the client's, for the caller to free; NULL: none has
 * come. */
char *ctl_call_line(struct ctl_call *call);

/* The output is not so long yet that the client should read first. */
bool ctl_call_has_room(const struct ctl_call *call);
/* Some of this turn of the loop is left. */
bool ctl_call_has_time(const struct ctl_call *call);
/* What they are given stays the caller's; result may be NULL.  After the last
 * two the request is over and its state is freed. */
void ctl_call_item(struct ctl_call *call, json_t *item);
void ctl_call_done(struct ctl_call *call, json_t *result);
void ctl_call_refuse(struct ctl_call *call, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
