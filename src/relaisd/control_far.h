/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_far.h - what a verb asks of a store behind a network.
 *
 * Such a store answers when it likes, so it is asked on a worker thread while
 * the verb waits.  Few are asked at once, and none of them takes the place of
 * mail's.  A client that goes away is not waited for.
 */
#ifndef RELAISD_CONTROL_FAR_H
#define RELAISD_CONTROL_FAR_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

struct ctl_call;
struct fars; /* all questions of the control socket */

struct fars *fars_new(struct loop *l);
/* When all calls are over (ctl_server_free()).  Blocks until those under way
 * have returned; the store is not touched afterwards.  Their ends come on the
 * loop.  NULL is allowed. */
void fars_free(struct fars *all);

/* One question at a time; part of the state that a verb keeps. */
struct far {
	struct work work;
	struct fars *all;
	struct ctl_call *call; /* NULL: it is over */
	int (*ask)(struct far *f); /* on a worker thread; it may fill err */
	void (*free_it)(struct far *f); /* the state */
	bool is_asking;
	int rc; /* of the last ask() */
	struct err err;
};

void far_init(struct far *f, struct fars *all, struct ctl_call *call,
    void (*free_it)(struct far *f));
/* The verb waits, and goes on when ask() has returned. */
void far_ask(struct far *f, int (*ask)(struct far *f));
/* The request is over: free_it() is called now, or when ask() has returned. */
void far_leave(struct far *f);

#endif
