/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_far.h - queries of a verb to a remote store.
 *
 * Such a store may take long, so it is queried on a worker thread while the
 * verb waits.  Only a few queries run at a time, in a lane of their own, so
 * that they do not delay mail.  If the client goes away, its query is not
 * waited for.
 */
#ifndef RELAISD_CONTROL_FAR_H
#define RELAISD_CONTROL_FAR_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

struct ctl_call;
struct fars; /* all queries of the control socket */

struct fars *fars_new(struct loop *l);
/* When all calls are over (ctl_server_free()).  Blocks until the running
 * queries have returned; the store is not used afterwards.  Their done() still
 * comes on the loop.  NULL is allowed. */
void fars_free(struct fars *all);

/* One query at a time.  Part of the state that a verb keeps. */
struct far {
	struct work work;
	struct fars *all;
	struct ctl_call *call; /* NULL: the request is over */
	int (*ask)(struct far *f); /* runs on a worker thread; may fill err */
	void (*free_it)(struct far *f); /* frees the state */
	bool is_asking;
	int rc; /* the result of the last ask() */
	struct err err;
};

void far_init(struct far *f, struct fars *all, struct ctl_call *call,
    void (*free_it)(struct far *f));
/* Runs ask() on a worker thread; the verb waits, and continues when it has
 * returned. */
void far_ask(struct far *f, int (*ask)(struct far *f));
/* The request is over: calls free_it(), now or when ask() has returned. */
void far_leave(struct far *f);

#endif
