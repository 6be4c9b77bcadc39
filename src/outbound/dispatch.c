/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/dispatch.h"

#include "net/loop.h"
#include "outbound/courier.h"
#include "outbound/pool.h"
#include "queue/queue.h"

enum {
	LONG_QUEUE = 50, /* so many messages justify another courier */
	ASKING_MAX = 2 /* couriers whose password has no answer yet */
};

/* Whether the login works is found out by one courier.  Once that is known and
 * a long queue waits, several may log in at the same time: with a distant
 * provider a login takes longer than a hundred messages. */
static bool
would_open(const struct pool *p)
{
	size_t n = courier_count(p), coming = 0, asking = 0;
	bool is_new = false;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		const struct courier *c = courier_of_link(it);

		if (courier_is_stalled(c))
			;
		else if (!courier_is_ready(c))
			coming++, is_new = true;
		else if (courier_is_growing(c))
			coming++;
		asking += courier_is_asking(c);
	}
	if (n >= pool_connections_max(p) ||
	    (n > 0 && loop_now_ms(p->loop) < p->extra_at_ms) ||
	    (account_trust(p->account) != ACCOUNT_PROVEN &&
		(is_new || asking >= ASKING_MAX)))
		return false;
	return queue_backlog(p->queue, p->handle) >= coming * LONG_QUEUE;
}

/* If all couriers, or all that try a suspect, are stalled while messages wait
 * for them: the one that has been silent for longest, if that is long enough;
 * else NULL. */
static struct courier *
most_hopeless(const struct pool *p, bool of_suspects)
{
	struct courier *found = NULL;
	int64_t at, first = loop_now_ms(p->loop);

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		struct courier *c = courier_of_link(it);

		if (of_suspects && !courier_carries_suspect(c))
			continue;
		if (!courier_is_stalled(c))
			return NULL;
		at = courier_hopeless_at(c);
		if (at <= first) {
			found = c;
			first = at;
		}
	}
	return found;
}

static bool
has_work(const struct pool *p)
{
	return pool_has_work(p) || (pool_has_suspect(p) && courier_may_try(p));
}

/* Other relays may have all connections that the provider allows. */
static void
open_more(struct pool *p)
{
	bool is_wanted = false;

	while (has_work(p) && would_open(p)) {
		is_wanted = !account_may_connect(p->account, courier_count(p));
		if (is_wanted)
			break;
		courier_open(p);
	}
	pool_report_connections(p, is_wanted);
}

static bool
is_full(const struct pool *p)
{
	size_t n = courier_count(p);

	return n >= pool_connections_max(p) ||
	       !account_may_connect(p->account, n);
}

/* The connection that is to be closed for what waits, or NULL. */
static struct courier *
who_makes_room(const struct pool *p)
{
	if (has_work(p))
		return is_full(p) ? most_hopeless(p, false) : NULL;
	return pool_has_suspect(p) ? most_hopeless(p, true) : NULL;
}

void
dispatch_turn(void *pool)
{
	struct pool *p = pool;
	struct courier *hopeless;

	if (!pool_may_take(p)) {
		if (account_trust(p->account) == ACCOUNT_NOT_NOW)
			queue_give_up_waiting(p->queue, p->handle);
		return;
	}
	if (has_work(p))
		account_want(p->account);
	p->is_turning = true;
	/* See favours_other() in courier.c. */
	list_foreach (it, &p->couriers)
		if (courier_is_growing(courier_of_link(it)))
			courier_turn(courier_of_link(it));
	list_foreach (it, &p->couriers)
		courier_turn(courier_of_link(it));
	p->is_turning = false;
	open_more(p);
	if ((hopeless = who_makes_room(p)) != NULL)
		courier_give_up(hopeless); /* its end causes another turn */
	else if (has_work(p) && loop_now_ms(p->loop) < p->extra_at_ms)
		loop_timer_set(p->timer, p->extra_at_ms);
}

void
dispatch_renew(struct pool *p)
{
	pool_forget_provider(p);
	list_foreach (it, &p->couriers)
		courier_stop(courier_of_link(it));
}

void
dispatch_give_way(struct pool *p)
{
	size_t n = 0;

	list_foreach (it, &p->couriers)
		n += !courier_is_leaving(courier_of_link(it));
	list_foreach (it, &p->couriers) {
		struct courier *c = courier_of_link(it);

		if (n == 0 || account_may_connect(p->account, n - 1))
			return;
		if (courier_is_ready(c) && !courier_is_leaving(c)) {
			n--;
			courier_retire(c);
		}
	}
}

void
dispatch_stop(struct pool *p)
{
	pool_stop(p);
	dispatch_renew(p);
}

void
dispatch_cut(struct pool *p)
{
	pool_stop(p);
	list_foreach (it, &p->couriers)
		courier_free(courier_of_link(it));
}
