/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/due.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum { FIRST_CAP = 16 };

void
due_init(struct due *h)
{
	*h = (struct due) { 0 };
}

void
due_clear(struct due *h)
{
	for (size_t i = 0; i < h->count; i++)
		h->nodes[i]->place = 0;
	free(h->nodes);
	due_init(h);
}

static bool
is_before(const struct due_node *a, const struct due_node *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms;
	/* Turns wrap; the difference tells the order as long as fewer than
	 * 2^31 were given out between the two. */
	return (int32_t)(a->turn - b->turn) < 0;
}

static void
put(struct due *h, size_t at, struct due_node *n)
{
	h->nodes[at] = n;
	n->place = (uint32_t)at + 1;
}

static void
sift_up(struct due *h, size_t at, struct due_node *n)
{
	while (at > 0 && is_before(n, h->nodes[(at - 1) / 2])) {
		put(h, at, h->nodes[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(h, at, n);
}

static void
sift_down(struct due *h, size_t at, struct due_node *n)
{
	for (;;) {
		size_t kid = 2 * at + 1;

		if (kid + 1 < h->count &&
		    is_before(h->nodes[kid + 1], h->nodes[kid]))
			kid++;
		if (kid >= h->count || !is_before(h->nodes[kid], n))
			break;
		put(h, at, h->nodes[kid]);
		at = kid;
	}
	put(h, at, n);
}

void
due_add(struct due *h, struct due_node *n, int64_t due_ms)
{
	assert(!due_is_in_heap(n));
	if (h->count == h->cap) {
		h->cap = h->cap == 0 ? FIRST_CAP : h->cap * 2;
		h->nodes = xrealloc(
		    h->nodes, h->cap, sizeof(struct due_node *));
	}
	n->due_ms = due_ms;
	n->turn = h->turn++;
	sift_up(h, h->count++, n);
}

void
due_remove(struct due *h, struct due_node *n)
{
	struct due_node *last;
	size_t at;

	if (!due_is_in_heap(n))
		return;
	at = n->place - 1;
	assert(at < h->count && h->nodes[at] == n);
	last = h->nodes[--h->count];
	n->place = 0;
	if (last == n)
		return;
	if (at > 0 && is_before(last, h->nodes[(at - 1) / 2]))
		sift_up(h, at, last);
	else
		sift_down(h, at, last);
}

struct due_node *
due_first(const struct due *h)
{
	return h->count > 0 ? h->nodes[0] : NULL;
}

struct due_node *
due_any(const struct due *h, uint32_t n, int64_t now_ms)
{
	size_t at = h->count > 0 ? n % h->count : 0;

	if (h->count == 0 || h->nodes[0]->due_ms > now_ms)
		return NULL;
	while (h->nodes[at]->due_ms > now_ms)
		at = (at - 1) / 2; /* the parent is due before */
	return h->nodes[at];
}
