/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/outbound.h"

#include <stdlib.h>

#include "account/accounts.h"
#include "base/xalloc.h"
#include "outbound/courier.h"
#include "outbound/dispatch.h"
#include "outbound/pool.h"
#include "queue/queue.h"

/* By the handle of the account. */
struct slot {
	struct pool *pool; /* NULL: no such account */
	bool is_woken;
	bool is_leaving; /* the account has left, and perhaps still works */
};

struct outbound {
	struct loop *loop;
	struct queue *queue;
	struct accounts *accounts;
	struct outbound_hooks hooks;
	struct slot *slots;
	size_t nslots;
	bool is_any_woken;
	bool is_any_leaving;
};

/* --- which accounts there are --------------------------------------------- */

static struct slot *
slot_at(const struct outbound *o, int account)
{
	return account >= 0 && (size_t)account < o->nslots &&
		       o->slots[account].pool != NULL
		   ? &o->slots[account]
		   : NULL;
}

static void
begin_pool(struct outbound *o, struct account *a)
{
	size_t i = (size_t)account_handle(a);

	if (i >= o->nslots) {
		o->slots = xrealloc(o->slots, i + 1, sizeof(*o->slots));
		while (o->nslots <= i)
			o->slots[o->nslots++] = (struct slot) { .pool = NULL };
	}
	o->slots[i].is_leaving = false;
	if (o->slots[i].pool == NULL)
		o->slots[i].pool = pool_new(
		    o->loop, o->queue, a, &o->hooks, dispatch_turn);
	pool_resume(o->slots[i].pool);
}

static void
on_changed(void *listener, struct account *a, enum account_change what)
{
	struct outbound *o = listener;
	struct slot *s = slot_at(o, account_handle(a));

	if (what == ACCOUNT_CAME)
		begin_pool(o, a);
	if (s == NULL)
		return;
	switch (what) {
	case ACCOUNT_CAME:
		break;
	case ACCOUNT_FLUSHED:
		queue_flush(o->queue, account_handle(a));
		break;
	case ACCOUNT_MAY_TRY:
	case ACCOUNT_MAY_WORK:
		pool_turn_soon(s->pool);
		break;
	case ACCOUNT_STANDS_DOWN:
		queue_give_up_waiting(o->queue, account_handle(a));
		break;
	case ACCOUNT_GIVES_WAY:
		dispatch_give_way(s->pool);
		break;
	case ACCOUNT_GOES_ELSEWHERE:
		dispatch_renew(s->pool);
		break;
	case ACCOUNT_LEFT:
		dispatch_stop(s->pool);
		s->is_leaving = o->is_any_leaving = true;
		break;
	}
}

/* Its messages belong to other accounts now, and its deliveries have ended. */
static void
free_who_left(struct outbound *o)
{
	o->is_any_leaving = false;
	for (size_t i = 0; i < o->nslots; i++) {
		struct slot *s = &o->slots[i];
		struct account *a;

		if (!s->is_leaving)
			continue;
		if (!pool_has_stopped(s->pool)) {
			o->is_any_leaving = true;
			continue;
		}
		a = s->pool->account;
		pool_free(s->pool);
		*s = (struct slot) { .pool = NULL };
		accounts_remove(o->accounts, a);
	}
}

/* --- life ----------------------------------------------------------------- */

struct outbound *
outbound_new(struct loop *l, struct queue *q, struct accounts *accounts,
    const struct outbound_hooks *hooks)
{
	struct outbound *o = xcalloc(1, sizeof(*o));

	o->loop = l;
	o->queue = q;
	o->accounts = accounts;
	o->hooks = *hooks;
	accounts_listen(accounts, on_changed, o);
	return o;
}

void
outbound_cut(struct outbound *o)
{
	for (size_t i = 0; o != NULL && i < o->nslots; i++)
		if (o->slots[i].pool != NULL)
			dispatch_cut(o->slots[i].pool);
}

void
outbound_free(struct outbound *o)
{
	if (o == NULL)
		return;
	outbound_cut(o);
	for (size_t i = 0; i < o->nslots; i++)
		pool_free(o->slots[i].pool);
	free(o->slots);
	free(o);
}

/* --- work ----------------------------------------------------------------- */

void
outbound_wake(struct outbound *o, int account)
{
	struct slot *s = slot_at(o, account);

	if (s != NULL)
		s->is_woken = o->is_any_woken = true;
}

void
outbound_turn(struct outbound *o)
{
	while (o->is_any_woken) {
		o->is_any_woken = false;
		for (size_t i = 0; i < o->nslots; i++) {
			if (!o->slots[i].is_woken)
				continue;
			o->slots[i].is_woken = false;
			dispatch_turn(o->slots[i].pool);
		}
	}
	if (o->is_any_leaving)
		free_who_left(o);
}

void
outbound_stop(struct outbound *o)
{
	for (size_t i = 0; i < o->nslots; i++)
		if (o->slots[i].pool != NULL)
			dispatch_stop(o->slots[i].pool);
}

bool
outbound_has_stopped(const struct outbound *o)
{
	for (size_t i = 0; i < o->nslots; i++)
		if (o->slots[i].pool != NULL &&
		    !pool_has_stopped(o->slots[i].pool))
			return false;
	return true;
}

size_t
outbound_couriers(const struct outbound *o, int account)
{
	const struct slot *s = slot_at(o, account);

	return s != NULL ? courier_count(s->pool) : 0;
}
