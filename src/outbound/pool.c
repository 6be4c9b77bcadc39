/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"
#include "net/loop.h"
#include "outbound/courier.h"
#include "queue/queue.h"

enum {
	LONG_QUEUE = 50, /* messages that are worth a courier of their own */
	EXTRA_MS = 10 * 1000, /* between connections that are not needed */
	SILENCE_MS = 30 * 1000, /* stalled so long, without a byte */
	SILENCE_MAX_MS = 5 * 60 * 1000,
	ASKING_MAX = 2 /* couriers with a password nobody has taken yet */
};

static int64_t
now_ms(const struct pool *p)
{
	return clock_boot_ms(loop_clock(p->loop));
}

/* --- life ----------------------------------------------------------------- */

static void
on_timer(void *ctx)
{
	pool_turn(ctx);
}

struct pool *
pool_new(struct loop *l, struct queue *q, const struct rng *rng,
    struct account *a, const struct outbound_hooks *hooks)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->queue = q;
	p->rng = rng;
	p->account = a;
	p->handle = account_handle(a);
	p->hooks = hooks;
	list_init(&p->couriers);
	p->timer = loop_timer_new(l, on_timer, p);
	return p;
}

void
pool_cut(struct pool *p)
{
	p->is_stopping = true;
	list_foreach (it, &p->couriers)
		courier_free(courier_of_link(it));
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_cut(p);
	loop_timer_free(p->timer);
	free(p);
}

void
pool_stop(struct pool *p)
{
	p->is_stopping = true;
	pool_renew(p);
}

void
pool_resume(struct pool *p)
{
	p->is_stopping = false;
	pool_turn_soon(p);
}

void
pool_renew(struct pool *p)
{
	p->extra_at_ms = p->slow_ms = 0;
	p->silences = 0;
	list_foreach (it, &p->couriers)
		courier_stop(courier_of_link(it));
}

bool
pool_has_stopped(const struct pool *p)
{
	return list_is_empty(&p->couriers) && p->unsettled == 0;
}

/* --- work ----------------------------------------------------------------- */

bool
pool_may_take(const struct pool *p)
{
	return account_trust(p->account) != ACCOUNT_NOT_NOW &&
	       p->unsettled == 0 && !p->is_stopping;
}

static bool
has_work(const struct pool *p)
{
	return pool_may_take(p) && queue_has_due(p->queue, p->handle);
}

/* Those that the provider counts as ours, too. */
size_t
pool_count(const struct pool *p)
{
	size_t n = 0;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		n += account_opts_same_user(courier_opts(courier_of_link(it)),
		    account_options(p->account));
	return n;
}

static size_t
connections_max(const struct pool *p)
{
	return account_trust(p->account) == ACCOUNT_ON_TRIAL
		   ? 1
		   : account_options(p->account)->max_connections;
}

/* A courier that is not ready yet is the only one of its kind: whether the
 * login works is found out once.  As long as that is known and a long queue
 * waits, several may log in side by side: at a far provider a login takes
 * longer than a hundred messages. */
static bool
may_open(const struct pool *p)
{
	size_t n = pool_count(p), coming = 0, asking = 0;
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
	if (n >= connections_max(p) || (n > 0 && now_ms(p) < p->extra_at_ms) ||
	    (account_trust(p->account) != ACCOUNT_PROVEN &&
		(is_new || asking >= ASKING_MAX)))
		return false;
	return queue_backlog(p->queue, p->handle) >= coming * LONG_QUEUE;
}

/* All that there may be are stalled, and mail waits: NULL, or the one that has
 * said nothing for longest, if that is long enough. */
static struct courier *
most_hopeless(const struct pool *p)
{
	struct courier *found = NULL;
	int64_t at, first = now_ms(p);

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		struct courier *c = courier_of_link(it);

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

void
pool_turn(struct pool *p)
{
	struct courier *hopeless;

	if (!pool_may_take(p)) {
		if (account_trust(p->account) == ACCOUNT_NOT_NOW)
			queue_give_up_waiting(p->queue, p->handle);
		return;
	}
	p->is_turning = true;
	/* See pool_favours_other(). */
	list_foreach (it, &p->couriers)
		if (courier_is_growing(courier_of_link(it)))
			courier_turn(courier_of_link(it));
	list_foreach (it, &p->couriers)
		courier_turn(courier_of_link(it));
	p->is_turning = false;
	while (has_work(p) && may_open(p))
		courier_open(p);
	if (!has_work(p))
		return;
	if (pool_count(p) >= connections_max(p) &&
	    (hopeless = most_hopeless(p)) != NULL)
		courier_give_up(hopeless); /* its end makes another turn */
	else if (now_ms(p) < p->extra_at_ms)
		loop_timer_set(p->timer, p->extra_at_ms);
}

void
pool_turn_soon(struct pool *p)
{
	loop_timer_set(p->timer, now_ms(p));
}

void
pool_reopen(struct pool *p)
{
	for (size_t i = 0; i < POOL_CULPRITS_MAX; i++)
		queue_step_back(p->queue, p->culprits[i].id);
	pool_turn_soon(p);
}

/* --- for couriers --------------------------------------------------------- */

size_t
pool_per_connection(const struct pool *p)
{
	size_t max = account_options(p->account)->max_per_connection;
	size_t learnt = account_fact(p->account, LEARNT_PER_CONNECTION);

	return learnt != 0 && (max == 0 || learnt < max) ? learnt : max;
}

bool
pool_vouches(const struct pool *p)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		if (courier_is_trusted(courier_of_link(it)))
			return true;
	return false;
}

bool
pool_favours_other(const struct pool *p, const struct courier *c)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		if (courier_of_link(it) != c &&
		    courier_is_growing(courier_of_link(it)))
			return !p->is_turning;
	return false;
}

void
pool_look(struct pool *p)
{
	if (has_work(p))
		pool_turn_soon(p);
}

void
pool_relieve(struct pool *p)
{
	if (!pool_may_take(p) || account_trust(p->account) != ACCOUNT_PROVEN ||
	    pool_count(p) >= connections_max(p))
		return;
	list_foreach (it, &p->couriers)
		if (!courier_is_ready(courier_of_link(it)))
			return;
	courier_open(p);
}

static bool
is_another_at_work(const struct pool *p, const struct courier *c)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		const struct courier *other = courier_of_link(it);

		if (other != c && courier_is_ready(other) &&
		    !account_is_past(p->account, courier_opts(other)) &&
		    !courier_is_stalled(other))
			return true;
	}
	return false;
}

bool
pool_works_without(struct pool *p, const struct courier *c, const char *why)
{
	if (account_trust(p->account) == ACCOUNT_NOT_NOW ||
	    !is_another_at_work(p, c))
		return false;
	log_text(LOG_LEVEL_NOTICE, "account %s: one connection of several: %s",
	    account_options(p->account)->name, why);
	p->extra_at_ms = now_ms(p) + EXTRA_MS;
	return true;
}

int64_t
pool_silence_ms(const struct pool *p)
{
	int64_t ms = SILENCE_MS;

	for (size_t n = p->silences / connections_max(p);
	     n > 0 && ms < SILENCE_MAX_MS; n--)
		ms *= 2;
	if (ms < 2 * p->slow_ms)
		ms = 2 * p->slow_ms;
	return ms < SILENCE_MAX_MS ? ms : SILENCE_MAX_MS;
}

void
pool_fell_silent(struct pool *p)
{
	p->silences++;
}

void
pool_answered(struct pool *p, int64_t took_ms)
{
	if (took_ms > p->slow_ms)
		p->slow_ms = took_ms;
}

void
pool_courier_gone(struct pool *p)
{
	if (!list_is_empty(&p->couriers) ||
	    (!p->is_stopping && account_trust(p->account) != ACCOUNT_NOT_NOW &&
		queue_has_due(p->queue, p->handle)))
		pool_turn_soon(p);
	else
		account_rest(p->account);
}

/* --- for deliveries ------------------------------------------------------- */

void
pool_sent(struct pool *p, const struct account_opts *o)
{
	struct account_news n = { .kind = ACCOUNT_SENT };

	(void)account_heard(p->account, o, &n); /* of course it is about it */
	if (account_is_past(p->account, o))
		return;
	p->silences = 0;
	p->slow_ms -= p->slow_ms / 8;
}

static uint64_t
sent_so_far(const struct pool *p)
{
	struct account_status st;

	account_status(p->account, &st);
	return st.sent;
}

bool
pool_heard_of(struct pool *p, const struct account_opts *o,
    const struct answer *answer, const char *id)
{
	struct account_news n = { .kind = ACCOUNT_ANSWERED, .answer = answer };
	bool was_open = account_trust(p->account) != ACCOUNT_NOT_NOW;
	struct pool_culprit *c;

	for (size_t i = 0; i < POOL_CULPRITS_MAX; i++)
		if (answer->meaning.act != DIAGNOSIS_RECONNECT &&
		    strcmp(p->culprits[i].id, id) == 0 &&
		    p->culprits[i].sent != sent_so_far(p))
			return false;
	if (!account_heard(p->account, o, &n))
		return false;
	if (was_open && account_trust(p->account) == ACCOUNT_NOT_NOW) {
		c = &p->culprits[p->next_culprit++ % POOL_CULPRITS_MAX];
		(void)snprintf(c->id, sizeof(c->id), "%s", id);
		c->sent = sent_so_far(p);
	}
	return true;
}

bool
pool_suspects(struct pool *p, const char *id)
{
	bool is_again = strcmp(p->suspect, id) == 0;

	(void)snprintf(p->suspect, sizeof(p->suspect), "%s", id);
	return is_again;
}

void
pool_settling(struct pool *p)
{
	p->unsettled++;
}

void
pool_settled(void *pool)
{
	struct pool *p = pool;

	p->unsettled--;
	pool_turn_soon(p);
}
