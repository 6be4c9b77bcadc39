/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_server.h - the server side of the control socket, on the event loop.
 *
 * A table of the program says which verbs exist and who may use them.  This
 * module handles connections, framing and limits; nothing that a client sends,
 * omits or breaks off harms the daemon (R20).  Rights depend on the peer
 * credentials of the socket and on nothing else.
 *
 * In a turn of the loop each connection runs one step of one request, however
 * many requests were sent at once, so that mail is served in between.  A
 * handler should take a few milliseconds at most for a step.
 *
 * At most CTL_CONNECTIONS_PER_UID connections for each user and
 * CTL_CONNECTIONS_MAX in all are allowed; some of them are reserved for root
 * and the daemon's own user.  A connection that is idle for CTL_IDLE_MS is
 * closed.
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

/* Every user has the first two rights for their own messages. */
enum ctl_right {
	CTL_LOOK, /* to look; also allowed after ctl_call_look_as() */
	CTL_CHANGE,
	CTL_PRIVILEGED /* root or the daemon's own user */
};

struct ctl_verb {
	const char *name; /* NULL ends the table */
	enum ctl_right right;
	/* Called once in a turn of the loop, when there is room for more items,
	 * until it has called ctl_call_done() or ctl_call_refuse().  A listing
	 * adds items while ctl_call_has_room(), but not too many; a handler
	 * that may take long also checks ctl_call_has_time(). */
	void (*run)(void *ctx, struct ctl_call *call);
};

/* fd is bound, listening, and taken over.  verbs is borrowed. */
int ctl_server_new(struct loop *l, int fd, const struct ctl_verb *verbs,
    void *ctx, struct ctl_server **ret, struct err *err);
/* Closes every connection. */
void ctl_server_free(struct ctl_server *s);

/* --- for the handlers of verbs -------------------------------------------- */

uint32_t ctl_call_uid(const struct ctl_call *call);
bool ctl_call_is_privileged(const struct ctl_call *call);
/* From now on the connection sees what that user may see, and may only look.
 * It still counts as a connection of the user who opened it. */
void ctl_call_look_as(struct ctl_call *call, uint32_t uid);
/* The arguments: an object, empty if none were given.  Borrowed. */
const json_t *ctl_call_args(const struct ctl_call *call);
/* The handler's own state, NULL at its first call: how far it got.  free_it()
 * frees the state when the request ends, however it ends. */
void *ctl_call_state(const struct ctl_call *call);
void ctl_call_keep(
    struct ctl_call *call, void *state, void (*free_it)(void *state));

/* The handler waits for something: run() is not called again before
 * ctl_call_wake().  Meanwhile the connection may be silent for longer than
 * CTL_IDLE_MS; if the client closes it, the request ends at once.  A handler
 * that waits must keep a state, whose free_it() ends what it waits for. */
void ctl_call_wait(struct ctl_call *call);
void ctl_call_wake(struct ctl_call *call);

/* From now on run() is also called when the client has sent a line. */
void ctl_call_listen(struct ctl_call *call);
/* The next line of the client, for the caller to free.  NULL: none has
 * arrived. */
char *ctl_call_line(struct ctl_call *call);

/* True: the output is short enough to add more before the client reads. */
bool ctl_call_has_room(const struct ctl_call *call);
/* True: some time of this turn of the loop is left. */
bool ctl_call_has_time(const struct ctl_call *call);
/* JSON arguments stay the caller's; result may be NULL.  After ctl_call_done()
 * or ctl_call_refuse() the request is over and its state is freed. */
void ctl_call_item(struct ctl_call *call, json_t *item);
void ctl_call_done(struct ctl_call *call, json_t *result);
void ctl_call_refuse(struct ctl_call *call, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
