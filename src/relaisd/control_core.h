/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_core.h - declarations shared by the files behind control.h; no other
 * file includes it.
 *
 *  control.c         the table of verbs; verbs that concern no message
 *  store_query.h     queries of a remote store
 *  control_list.c    queue
 *  control_show.c    show
 *  control_change.c  hold, release, retry, delete
 *  control_log.h     log
 *  control_check.h   check
 */
#ifndef RELAISD_CONTROL_CORE_H
#define RELAISD_CONTROL_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "account/accounts.h"
#include "ctl/ctl_server.h"
#include "net/loop.h"
#include "queue/queue.h"
#include "relaisd/control.h"
#include "relaisd/store_query.h"
#include "store/store.h"

struct control {
	struct control_opts opts;
	struct ctl_server *server;
	struct store_queries *queries;
	int64_t started_ms; /* boot clock */
};

enum {
	/* How many messages a verb looks at, or changes, in one step, so that
	 * others get their turn. */
	CONTROL_STEP_MESSAGES = 500,
	CONTROL_STEP_CHANGES = 20
};

static inline int64_t
control_now_ms(const struct control *c)
{
	return loop_now_ms(c->opts.loop);
}

static inline int64_t
control_wall_ms(const struct control *c)
{
	return clock_wall_ms(loop_clock(c->opts.loop));
}

/* The store if several relays share it; NULL: this relay is alone. */
static inline struct store *
control_shared(const struct control *c)
{
	return c->opts.store->is_remote ? c->opts.store : NULL;
}

/* --- control_list.c ------------------------------------------------------- */

const char *control_state_name(enum queue_state s);
/* NULL: no account. */
const char *control_account_name(const struct control *c, int account);
/* A message as in doc/formats/control. */
json_t *control_item_json(const struct control *c, const struct ctl_call *call,
    const struct queue_item *it);
/* Why an account does not send, as far as the caller may know. */
const char *control_account_reason(
    const struct ctl_call *call, const struct account_status *st);
json_t *control_seen_json(const struct store_seen *m, int64_t now_s);
bool control_may_see(const struct ctl_call *call, const struct queue_item *it);
bool control_find_visible(struct control *c, const struct ctl_call *call,
    const char *id, struct queue_item *ret);

void control_queue(void *ctx, struct ctl_call *call);

/* --- control_show.c ------------------------------------------------------- */

void control_show(void *ctx, struct ctl_call *call);

/* --- control_change.c ----------------------------------------------------- */

void control_hold(void *ctx, struct ctl_call *call);
void control_release(void *ctx, struct ctl_call *call);
void control_retry(void *ctx, struct ctl_call *call);
void control_delete(void *ctx, struct ctl_call *call);
/* Flushes the waiting messages of an ordinary user. */
void control_flush_own(struct control *c, struct ctl_call *call);

#endif
