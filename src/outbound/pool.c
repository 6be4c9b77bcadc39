/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"
#include "net/loop.h"
#include "queue/queue.h"

enum {
	EXTRA_MS = 10 * 1000, /* between connections that are not needed */
	VOUCH_MS = 10 * 1000,
	SILENCE_MS = 30 * 1000, /* stalled so long, without a byte */
	SILENCE_MAX_MS = 5 * 60 * 1000,
	SILENCE_SHORT_MS = SILENCE_MS / 4, /* the others were answered */
	UNSUSPICIOUS = 640 /* messages without a suspect: all is well */
};

/* --- life ----------------------------------------------------------------- */

struct pool *
pool_new(struct loop *l, struct queue *q, struct account *a,
    const struct outbound_hooks *hooks, void (*turn)(void *pool))
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->queue = q;
	p->account = a;
	p->handle = account_handle(a);
	p->hooks = hooks;
	p->since_suspect = UNSUSPICIOUS;
	list_init(&p->couriers);
	p->timer = loop_timer_new(l, turn, p);
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	loop_timer_free(p->timer);
	free(p);
}

void
pool_stop(struct pool *p)
{
	p->is_stopping = true;
}

void
pool_forget_provider(struct pool *p)
{
	p->extra_at_ms = p->slow_ms = p->vouched_until_ms = 0;
	p->silences = 0;
	p->blames_messages = false;
}

void
pool_resume(struct pool *p)
{
	p->is_stopping = false;
	pool_turn_soon(p);
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

bool
pool_has_work(const struct pool *p)
{
	return pool_may_take(p) && queue_has_due(p->queue, p->handle);
}

bool
pool_has_suspect(const struct pool *p)
{
	return pool_may_take(p) && queue_has_suspect_due(p->queue, p->handle);
}

size_t
pool_connections_max(const struct pool *p)
{
	return account_trust(p->account) == ACCOUNT_ON_TRIAL
		   ? 1
		   : account_options(p->account)->max_connections;
}

void
pool_report_connections(struct pool *p, bool wants_more)
{
	size_t n = 0;

	list_foreach (it, &p->couriers)
		n++;
	account_connections(p->account, n, n + wants_more);
}

void
pool_turn_soon(struct pool *p)
{
	loop_timer_set(p->timer, loop_now_ms(p->loop));
}

/* --- for couriers --------------------------------------------------------- */

size_t
pool_per_connection(const struct pool *p)
{
	size_t max = account_options(p->account)->max_per_connection;
	size_t learnt = account_fact(p->account, LEARNT_PER_CONNECTION);

	return learnt != 0 && (max == 0 || learnt < max) ? learnt : max;
}

void
pool_turn_if_due(struct pool *p)
{
	if (pool_has_work(p) || pool_has_suspect(p))
		pool_turn_soon(p);
}

void
pool_wait_with_extra(struct pool *p)
{
	p->extra_at_ms = loop_now_ms(p->loop) + EXTRA_MS;
}

int64_t
pool_silence_ms(const struct pool *p)
{
	int64_t ms = p->blames_messages ? SILENCE_SHORT_MS : SILENCE_MS;

	for (size_t n = p->silences / pool_connections_max(p);
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
pool_vouch(struct pool *p)
{
	p->vouched_until_ms = loop_now_ms(p->loop) + VOUCH_MS;
}

void
pool_stalls(struct pool *p)
{
	p->vouched_until_ms = 0;
}

bool
pool_is_vouched_for(const struct pool *p)
{
	return loop_now_ms(p->loop) < p->vouched_until_ms;
}

void
pool_courier_gone(struct pool *p)
{
	pool_report_connections(p, false);
	if (!list_is_empty(&p->couriers) ||
	    (!p->is_stopping && account_trust(p->account) != ACCOUNT_NOT_NOW &&
		(queue_has_due(p->queue, p->handle) ||
		    queue_has_suspect_due(p->queue, p->handle))))
		pool_turn_soon(p);
	else
		account_trim(p->account);
}

/* --- for deliveries ------------------------------------------------------- */

static bool
is_unsuspicious(const struct pool *p)
{
	return p->since_suspect == UNSUSPICIOUS;
}

void
pool_sent(struct pool *p, const struct account_opts *o)
{
	struct account_news n = { .kind = ACCOUNT_SENT };

	(void)account_heard(p->account, o, &n); /* of course it is about it */
	if (account_is_past(p->account, o))
		return;
	p->since_suspect += p->since_suspect < UNSUSPICIOUS;
	p->blames_messages = p->blames_messages && !is_unsuspicious(p);
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

/* When: what the account has sent says whether others were accepted since. */
static uint32_t
mark_of(const struct pool *p)
{
	return (uint32_t)sent_so_far(p) + 1;
}

struct queue_claim *
pool_take(struct pool *p, bool may_try)
{
	if (may_try && pool_has_suspect(p) &&
	    (is_unsuspicious(p) || !pool_has_work(p)))
		return queue_take_suspect(p->queue, p->handle);
	return p->since_suspect == 0 ? queue_take_other(p->queue, p->handle)
				     : queue_take(p->queue, p->handle);
}

size_t
pool_under_way_max(const struct pool *p)
{
	if (account_trust(p->account) == ACCOUNT_ON_TRIAL)
		return 1;
	return is_unsuspicious(p) ? 0 : 1 + p->since_suspect / 10;
}

void
pool_suspects(struct pool *p, struct queue_claim *qd)
{
	queue_claim_suspect(qd, mark_of(p));
	if (p->since_suspect > 0 && !is_unsuspicious(p))
		p->blames_messages = true;
	p->since_suspect = 0;
}

bool
pool_is_known_cause(const struct pool *p, const struct queue_claim *qd)
{
	uint32_t mark = queue_claim_suspicion(qd);

	return mark != 0 && mark != mark_of(p);
}

bool
pool_report_answer(struct pool *p, const struct account_opts *o,
    const struct answer *answer, struct queue_claim *qd)
{
	struct account_news n = { .kind = ACCOUNT_ANSWERED,
		.answer = answer,
		.blame = answer->verdict.code == 421 ? BLAME_OPEN
						     : BLAME_PROVIDER };
	bool was_open = account_trust(p->account) != ACCOUNT_NOT_NOW;

	if (answer->meaning.act != DIAGNOSIS_RECONNECT &&
	    pool_is_known_cause(p, qd))
		return false;
	if (!account_heard(p->account, o, &n))
		return false;
	if (was_open && account_trust(p->account) == ACCOUNT_NOT_NOW)
		pool_suspects(p, qd);
	return true;
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
