/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/outbound.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* The place in the array is the handle. */
struct slot {
	struct pool *pool; /* NULL: free */
	bool is_woken;
	bool is_named; /* by the newest outbound_set() */
};

struct outbound {
	struct loop *loop;
	struct queue *queue;
	const struct rng *rng;
	struct slot *slots;
	size_t nslots;
	int *order; /* handles, as outbound_set() named them */
	size_t n;
	bool is_any_woken;
	bool is_any_leaving; /* not named, and perhaps still at work */
};

struct outbound *
outbound_new(struct loop *l, struct queue *q, const struct rng *rng)
{
	struct outbound *o = xcalloc(1, sizeof(*o));

	o->loop = l;
	o->queue = q;
	o->rng = rng;
	return o;
}

static struct pool *
pool_at(const struct outbound *o, int account)
{
	return account >= 0 && (size_t)account < o->nslots
		   ? o->slots[account].pool
		   : NULL;
}

/* --- which accounts there are --------------------------------------------- */

/* The place of this name, or a free one, or a new one. */
static size_t
find_slot(struct outbound *o, const char *name)
{
	size_t found = o->nslots;

	for (size_t i = 0; i < o->nslots; i++) {
		if (o->slots[i].pool == NULL)
			found = i;
		else if (strcmp(pool_opts_of(o->slots[i].pool)->name, name) ==
			 0)
			return i;
	}
	if (found == o->nslots) {
		o->slots = xrealloc(o->slots, o->nslots + 1, sizeof(*o->slots));
		o->slots[o->nslots++] = (struct slot) { .pool = NULL };
	}
	return found;
}

static int
set_one(struct outbound *o, struct pool_opts *opts)
{
	size_t i = find_slot(o, opts->name);
	struct slot *s = &o->slots[i];

	if (s->pool != NULL)
		pool_set_opts(s->pool, opts);
	else
		s->pool = pool_new(o->loop, o->queue, o->rng, (int)i, opts);
	s->is_named = true;
	return (int)i;
}

static void
free_slot(struct slot *s)
{
	pool_free(s->pool);
	*s = (struct slot) { .pool = NULL };
}

/* Its mail has gone to others; what it carried has come to its end. */
static void
free_who_left(struct outbound *o)
{
	o->is_any_leaving = false;
	for (size_t i = 0; i < o->nslots; i++) {
		struct slot *s = &o->slots[i];

		if (s->pool == NULL || s->is_named)
			continue;
		if (pool_has_stopped(s->pool))
			free_slot(s);
		else
			o->is_any_leaving = true;
	}
}

void
outbound_set(struct outbound *o, struct pool_opts *const *opts, size_t n)
{
	free(o->order);
	o->order = xcalloc(n, sizeof(*o->order));
	o->n = n;
	for (size_t i = 0; i < o->nslots; i++)
		o->slots[i].is_named = false;
	for (size_t i = 0; i < n; i++)
		o->order[i] = set_one(o, opts[i]);
	for (size_t i = 0; i < o->nslots; i++)
		if (o->slots[i].pool != NULL && !o->slots[i].is_named) {
			pool_stop(o->slots[i].pool);
			o->is_any_leaving = true;
		}
}

size_t
outbound_count(const struct outbound *o)
{
	return o->n;
}

int
outbound_handle(const struct outbound *o, size_t i)
{
	assert(i < o->n);
	return o->order[i];
}

int
outbound_handles(const struct outbound *o)
{
	return (int)o->nslots;
}

/* --- life ----------------------------------------------------------------- */

void
outbound_cut(struct outbound *o)
{
	for (size_t i = 0; o != NULL && i < o->nslots; i++)
		if (o->slots[i].pool != NULL)
			pool_cut(o->slots[i].pool);
}

void
outbound_free(struct outbound *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->nslots; i++)
		free_slot(&o->slots[i]);
	free(o->slots);
	free(o->order);
	free(o);
}

/* --- work ----------------------------------------------------------------- */

void
outbound_wake(struct outbound *o, int account)
{
	if (pool_at(o, account) == NULL)
		return;
	o->slots[account].is_woken = true;
	o->is_any_woken = true;
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
			pool_turn(o->slots[i].pool);
		}
	}
	if (o->is_any_leaving)
		free_who_left(o);
}

void
outbound_flush(struct outbound *o, int account, bool is_gentle)
{
	for (size_t i = 0; i < o->n; i++)
		if (account < 0 || account == o->order[i])
			pool_flush(pool_at(o, o->order[i]), is_gentle);
}

void
outbound_network_changed(struct outbound *o)
{
	for (size_t i = 0; i < o->n; i++)
		pool_network_changed(pool_at(o, o->order[i]));
}

void
outbound_stop(struct outbound *o)
{
	for (size_t i = 0; i < o->nslots; i++)
		if (o->slots[i].pool != NULL)
			pool_stop(o->slots[i].pool);
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

bool
outbound_is_away(const struct outbound *o, int account)
{
	return pool_at(o, account) != NULL && pool_is_away(pool_at(o, account));
}

bool
outbound_status(const struct outbound *o, int account, struct pool_status *ret)
{
	const struct pool *p = pool_at(o, account);

	if (p != NULL)
		pool_status(p, ret);
	return p != NULL;
}
