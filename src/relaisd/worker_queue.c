/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "account/accounts.h"
#include "base/log.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "notice/notices.h"
#include "outbound/outbound.h"
#include "policy/fold.h"
#include "policy/user_limit.h"
#include "queue/queue.h"
#include "relaisd/notifier.h"
#include "relaisd/recorder.h"
#include "relaisd/routing.h"
#include "relaisd/worker_impl.h"
#include "store/history.h"
#include "store/spool.h"
#include "store/store_module.h"
#include "store/store_move.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"

enum {
	RETRY_MAX_MS = 3600 * 1000,
	HEAD_START_MS = 1000 /* of the provider over the disk */
};

/* --- the store ------------------------------------------------------------ */

/* The spool is there in any case: as the store, or for what is this machine's
 * alone. */
int
worker_open_store(struct worker *d, const struct conf *conf, struct err *err)
{
	struct store_module_opts opts = { .url = conf->store_url,
		.name = conf_node_name(conf),
		.clock = clock_sys() };
	const char *module = NULL;
	struct store *shared;

	if (spool_open(conf->spool, fs_sys(), &d->store, err) != 0 ||
	    store_move_check(d->store, err) != 0)
		return -1;
	switch (conf->store) {
	case CONF_STORE_DISK:
		return 0;
	case CONF_STORE_POSTGRES:
		module = "postgres";
		break;
	}
	opts.here = d->store;
	if (store_module_load(module, &d->module, err) != 0 ||
	    d->module->open(&opts, &shared, err) != 0)
		return -1;
	d->store = shared;
	log_text(LOG_LEVEL_NOTICE, "the queue is shared: %s", shared->name);
	return 0;
}

/* --- what the queue asks, and what it tells ------------------------------- */

static int
on_route(void *ctx, const struct envelope *e)
{
	const struct worker *d = ctx;

	return routing_account(d->routing, e);
}

static void
on_wake(void *ctx, int account)
{
	struct worker *d = ctx;

	if (d->outbound != NULL)
		outbound_wake(d->outbound, account);
	loop_soon(d->loop, &d->turn);
}

/* ERR_NONE: only worth a line. */
static void
on_trouble(void *ctx, const char *id, const struct err *why)
{
	const struct worker *d = ctx;
	char text[600];

	(void)snprintf(text, sizeof(text), "%s: %s", id, why->text);
	log_text(why->class == ERR_NONE ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR,
	    "%s", text);
	if (why->class == ERR_DISK || why->class == ERR_NETWORK)
		notifier_disk(d->notifier, text);
}

static void
on_failed(void *ctx, const char *id)
{
	const struct worker *d = ctx;

	notices_failed(notifier_notices(d->notifier), id);
}

static void
on_original(void *ctx)
{
	const struct worker *d = ctx;

	notices_read(notifier_notices(d->notifier));
}

static void
on_held(void *ctx, const char *id)
{
	const struct worker *d = ctx;

	notifier_held(d->notifier, id);
}

static void
on_user_limit(void *ctx, uint32_t uid, bool is_over)
{
	const struct worker *d = ctx;

	notifier_user_limit(d->notifier, uid, is_over);
}

static void
on_delayed(void *ctx, const char *id)
{
	const struct worker *d = ctx;

	notices_delayed(notifier_notices(d->notifier), id);
}

static void
on_store_lost(void *ctx)
{
	struct worker *d = ctx;

	d->is_store_lost = true;
	loop_soon(d->loop, &d->turn);
}

static void
on_ended(void *ctx, const struct history_entry *how, int account,
    struct queue_claim *claim)
{
	struct worker *d = ctx;
	struct history_entry named = *how;
	const char *name = accounts_name(d->accounts, account);

	if (name != NULL)
		named.account = name;
	recorder_note(d->recorder, &named, claim);
}

static struct queue_policy
policy_of(const struct conf *c)
{
	return (struct queue_policy) {
		.holds_uncertain = c->uncertain == CONF_UNCERTAIN_HOLD,
		.sync_results_ms = c->sync_results_ms,
		.syncs_each = c->sync_results_ms == 0,
	};
}

static struct fold_opts
fold_opts_from(const struct conf *c)
{
	return (struct fold_opts) { .max_equal = (unsigned)c->max_equal,
		.equal_ms = c->equal_ms };
}

static struct queue_opts
queue_opts_from(struct worker *d, const struct conf *c)
{
	return (struct queue_opts) {
		.store = d->store,
		.clock = clock_sys(),
		.rng = rng_sys(),
		.pool = loop_pool(d->loop),
		.hooks = { .route = on_route,
		    .wake = on_wake,
		    .trouble = on_trouble,
		    .failed = on_failed,
		    .original = on_original,
		    .held = on_held,
		    .delayed = on_delayed,
		    .lost = on_store_lost,
		    .ended = on_ended,
		    .ctx = d },
		.retry_after_ms = c->retry_after_ms,
		.retry_max_ms = RETRY_MAX_MS,
		.lifetime_ms = c->lifetime_ms,
		.delay_notice_ms = c->delay_notice_ms,
		.max_size_bytes = c->max_size_bytes,
		.head_start_ms = HEAD_START_MS,
		.policy = policy_of(c),
		.arrival = fold_gate(d->fold),
		.attempt = user_limit_gate(d->user_limit),
	};
}

/* --- its life ------------------------------------------------------------- */

void
worker_open_queue(struct worker *d, const struct conf *conf)
{
	struct fold_opts fold = fold_opts_from(conf);
	struct queue_opts queue;

	d->fold = fold_new(clock_sys(), rng_sys(), &fold);
	d->user_limit = user_limit_new(
	    clock_sys(), (uint64_t)conf->max_per_user, on_user_limit, d);
	d->recorder = recorder_new(d->loop, d->store);
	recorder_set(d->recorder, conf);
	queue = queue_opts_from(d, conf);
	d->queue = queue_new(&queue);
	fold_attach(d->fold, d->queue);
	user_limit_attach(d->user_limit, d->queue);
}

void
worker_set_queue(struct worker *d, const struct conf *conf)
{
	struct queue_opts queue = queue_opts_from(d, conf);
	struct fold_opts fold = fold_opts_from(conf);

	queue_set_opts(d->queue, &queue);
	fold_set_opts(d->fold, &fold);
	user_limit_set(d->user_limit, (uint64_t)conf->max_per_user);
	recorder_set(d->recorder, conf);
}
