/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_query.h - queries of a verb to a remote store.
 *
 * Such a store may take long, so it is queried on a worker thread while the
 * verb waits.  Only a few queries run at a time, in a lane of their own, so
 * that they do not delay mail.  If the client goes away, its query is not
 * waited for.
 */
#ifndef RELAISD_STORE_QUERY_H
#define RELAISD_STORE_QUERY_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

struct ctl_call;
struct store_queries; /* all queries of the control socket */

struct store_queries *store_queries_new(struct loop *l);
/* When all calls are over (ctl_server_free()).  Blocks until the running
 * queries have returned; the store is not used afterwards.  Their done() still
 * comes on the loop.  NULL is allowed. */
void store_queries_free(struct store_queries *all);

/* One query at a time.  Part of the state that a verb keeps. */
struct store_query {
	struct work work;
	struct store_queries *all;
	struct ctl_call *call; /* NULL: the request is over */
	int (*ask)(
	    struct store_query *f); /* runs on a worker thread; may fill err */
	void (*free_it)(struct store_query *f); /* frees the state */
	bool is_asking;
	int rc; /* the result of the last ask() */
	struct err err;
};

void store_query_init(struct store_query *f, struct store_queries *all,
    struct ctl_call *call, void (*free_it)(struct store_query *f));
/* Runs ask() on a worker thread; the verb waits, and continues when it has
 * returned. */
void store_query_ask(struct store_query *f, int (*ask)(struct store_query *f));
/* The request is over: calls free_it(), now or when ask() has returned. */
void store_query_leave(struct store_query *f);

#endif
