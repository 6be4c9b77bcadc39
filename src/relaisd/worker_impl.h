/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker_impl.h - the inside of the worker, for its own files only.
 *
 * worker.c starts, runs, reloads and stops the parts.  worker_queue.c has the
 * store, the queue and its policies, and passes the queue's questions and news
 * to the other parts; it calls nothing in worker.c.
 */
#ifndef RELAISD_WORKER_IMPL_H
#define RELAISD_WORKER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/must.h"
#include "net/loop.h"
#include "relaisd/confine.h"
#include "relaisd/worker.h"

/* One pointer to each part of the daemon. */
struct worker {
	struct startup *startup;
	/* with one process, includes its sockets */
	struct startup_bound *bound;
	struct link *link;
	bool is_alone; /* one process */
	struct confine confine;
	bool is_orphan;
	struct loop *loop;
	struct loop_task turn;
	struct loop_timer *timer;
	struct loop_timer *watchdog;
	/* when to log how many lines were withheld */
	struct loop_timer *log_timer;
	struct store *store;
	const struct store_module *module; /* NULL: the store is the spool */
	bool is_store_lost; /* others own our messages; start again */
	struct queue *queue;
	struct recorder *recorder;
	struct sharing *sharing; /* NULL: nothing is shared */
	struct fold *fold;
	struct user_limit *user_limit;
	struct inbound_hooks *inbound_hooks;
	struct inbound *inbound;
	struct control *control;
	struct notifier *notifier;
	struct people *people;
	struct netwatch *netwatch; /* NULL: not available */
	struct accounts *accounts;
	struct outbound *outbound;
	struct routing *routing;
	struct replies *replies; /* the user's rows; NULL: none */
	struct conf *listening; /* the configuration of the listeners */
	bool is_stopping;
	int64_t stop_by_ms, hurry_ms, no_verdict_ms;
};

/* Opens the store.  Blocks on the disk and, for a shared store, on the network.
 * -1: the caller frees d->store if it is set. */
int worker_open_store(
    struct worker *d, const struct conf *conf, struct err *err) MUST_CHECK;
/* Creates the queue over d->store; needs d->loop and d->notifier. */
void worker_open_queue(struct worker *d, const struct conf *conf);
/* Applies a configuration to the queue and its policies. */
void worker_set_queue(struct worker *d, const struct conf *conf);

#endif
