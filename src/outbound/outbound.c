/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/outbound.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct outbound {
	size_t n;
	struct pool **pools;
	bool *is_woken;
	bool is_any_woken;
};

struct outbound *
outbound_new(struct loop *l, struct queue *q, const struct rng *rng,
    const struct pool_opts *opts, size_t n, bool is_restart)
{
	struct outbound *o = xcalloc(1, sizeof(*o));

	o->n = n;
	o->pools = xcalloc(n, sizeof(struct pool *));
	o->is_woken = xcalloc(n, sizeof(*o->is_woken));
	for (size_t i = 0; i < n; i++)
		o->pools[i] = pool_new(l, q, rng, (int)i, &opts[i], is_restart);
	return o;
}

void
outbound_cut(struct outbound *o)
{
	for (size_t i = 0; o != NULL && i < o->n; i++)
		pool_cut(o->pools[i]);
}

void
outbound_free(struct outbound *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n; i++)
		pool_free(o->pools[i]);
	free(o->pools);
	free(o->is_woken);
	free(o);
}

void
outbound_wake(struct outbound *o, int account)
{
	if (account < 0 || (size_t)account >= o->n)
		return;
	o->is_woken[account] = true;
	o->is_any_woken = true;
}

void
outbound_turn(struct outbound *o)
{
	while (o->is_any_woken) {
		o->is_any_woken = false;
		for (size_t i = 0; i < o->n; i++) {
			if (!o->is_woken[i])
				continue;
			o->is_woken[i] = false;
			pool_turn(o->pools[i]);
		}
	}
}

void
outbound_flush(struct outbound *o, int account, bool is_gentle)
{
	for (size_t i = 0; i < o->n; i++)
		if (account < 0 || (size_t)account == i)
			pool_flush(o->pools[i], is_gentle);
}

void
outbound_network_changed(struct outbound *o)
{
	for (size_t i = 0; i < o->n; i++)
		pool_network_changed(o->pools[i]);
}

void
outbound_stop(struct outbound *o)
{
	for (size_t i = 0; i < o->n; i++)
		pool_stop(o->pools[i]);
}

bool
outbound_has_stopped(const struct outbound *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!pool_has_stopped(o->pools[i]))
			return false;
	return true;
}

bool
outbound_is_idle(const struct outbound *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!pool_is_idle(o->pools[i]))
			return false;
	return true;
}

bool
outbound_is_away(const struct outbound *o, size_t account)
{
	return pool_is_away(o->pools[account]);
}

size_t
outbound_count(const struct outbound *o)
{
	return o->n;
}

void
outbound_status(
    const struct outbound *o, size_t account, struct pool_status *ret)
{
	pool_status(o->pools[account], ret);
}
