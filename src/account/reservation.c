/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/reservation.h"

enum {
	IDLE_MS = 2000, /* then what is left is given back */
	AGAIN_MS = 1000, /* between questions to which the answer was no */
	CLOSE_MS = 300 /* until a provider has noticed that it is closed */
};

/* --- recipients ----------------------------------------------------------- */

static uint32_t
left(const struct reservation *p, int64_t now_ms)
{
	return now_ms < p->left_until_ms ? p->left : 0;
}

bool
reservation_may_send(const struct reservation *p, int64_t now_ms)
{
	return !p->is_shared || p->block == 0 || left(p, now_ms) > 0;
}

void
reservation_want(struct reservation *p, int64_t now_ms)
{
	if (!reservation_may_send(p, now_ms))
		p->wants_more = true;
}

void
reservation_spend(struct reservation *p, uint32_t n, int64_t now_ms)
{
	if (!p->is_shared || p->block == 0)
		return;
	p->used += n;
	p->left -= p->left < n ? p->left : n;
	p->spent_ms = now_ms;
	if (p->left <= p->block / 2 ||
	    now_ms > p->left_until_ms - SHARE_LIFE_MS / 2)
		p->wants_more = true;
}

/* --- connections ---------------------------------------------------------- */

bool
reservation_may_connect(const struct reservation *p, size_t n)
{
	return !p->is_shared || n < p->allowed;
}

void
reservation_connections(
    struct reservation *p, size_t n, size_t wanted, int64_t now_ms)
{
	if (n < p->connections) {
		p->closing = p->connections;
		p->closed_ms = now_ms + CLOSE_MS;
	}
	p->connections = n;
	p->wanted = wanted > n ? wanted : n;
}

/* Those that are being closed are not for others yet. */
static size_t
in_use(const struct reservation *p, int64_t now_ms)
{
	return now_ms < p->closed_ms && p->closing > p->connections
		   ? p->closing
		   : p->connections;
}

/* --- turns ---------------------------------------------------------------- */

int64_t
reservation_turn_at(const struct reservation *p, int64_t now_ms)
{
	int64_t at = INT64_MAX;

	if (!p->is_shared || p->is_asking)
		return INT64_MAX;
	if (p->has_news || p->wants_more || p->wanted > p->allowed)
		at = now_ms;
	else if (p->left > 0)
		at = p->spent_ms + IDLE_MS;
	if (p->wanted < p->allowed && p->closed_ms < at)
		at = p->closed_ms > now_ms ? p->closed_ms : now_ms;
	return at < p->again_ms ? p->again_ms : at;
}

void
reservation_ask(struct reservation *p, struct share_ask *ret, int64_t now_ms)
{
	bool is_idle = !p->wants_more && now_ms >= p->spent_ms + IDLE_MS;

	ret->used = p->used;
	p->returned = is_idle ? p->left : 0;
	p->left -= p->returned; /* it is not ours from now on */
	ret->left = left(p, now_ms);
	ret->wants_more = p->wants_more;
	ret->connections = in_use(p, now_ms);
	ret->allowed = p->allowed;
	ret->wanted = p->wanted;
	p->is_asking = true;
	p->has_news = false;
	p->used = 0;
}

/* What was used meanwhile came from what was left, or from what is new. */
static void
take_recipients(struct reservation *p, const struct share_answer *answer,
    int64_t asked_ms, int64_t now_ms)
{
	p->left = answer->left > p->used ? answer->left - p->used : 0;
	p->left_until_ms = asked_ms + SHARE_LIFE_MS;
	if (p->left > 0 && p->wants_more)
		p->spent_ms = now_ms; /* who wanted it will use it */
	p->wants_more = p->wants_more && p->left == 0;
}

void
reservation_told(struct reservation *p, const struct share_answer *answer,
    int64_t asked_ms, int64_t now_ms)
{
	take_recipients(p, answer, asked_ms, now_ms);
	p->is_asking = false;
	p->allowed = answer->connections;
	p->again_ms = p->wants_more || p->wanted != p->allowed
			  ? now_ms + AGAIN_MS
			  : 0;
}

void
reservation_skipped(struct reservation *p, const struct share_ask *ask)
{
	p->is_asking = false;
	p->used += ask->used;
	p->left += p->returned;
}

void
reservation_failed(
    struct reservation *p, const struct share_ask *ask, int64_t now_ms)
{
	p->is_asking = false;
	p->used += ask->used;
	p->has_news = true;
	if (p->allowed == 0)
		p->allowed = 1;
	p->again_ms = now_ms + AGAIN_MS;
}
