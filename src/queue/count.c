/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many messages there are in each state, of all and of each user.
 *
 * An entry knows as what it is counted; entry_count() is called wherever that
 * may have changed, and does nothing if it has not.  The oldest of a user is
 * found by going on from the one before when that leaves, so that all of it
 * together goes over the list once. */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum queue_state
entry_state(const struct entry *e)
{
	if (e->is_failed)
		return QUEUE_STATE_FAILED;
	if (e->msg != NULL && e->msg->attempt.is_active)
		return QUEUE_STATE_ACTIVE;
	return e->is_held ? QUEUE_STATE_HELD : QUEUE_STATE_DUE;
}

/* --- of a user ------------------------------------------------------------ */

/* The first of at least this uid. */
static size_t
place_of(const struct tallies *t, uint32_t uid)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct tally *
find_tally(const struct tallies *t, uint32_t uid)
{
	size_t i = place_of(t, uid);

	return i < t->n && t->v[i].uid == uid ? &t->v[i] : NULL;
}

static struct tally *
get_tally(struct tallies *t, uint32_t uid)
{
	size_t i = place_of(t, uid);

	if (i < t->n && t->v[i].uid == uid)
		return &t->v[i];
	if ((t->n & (t->n - 1)) == 0)
		t->v = xrealloc(t->v, t->n == 0 ? 1 : t->n * 2, sizeof(*t->v));
	memmove(&t->v[i + 1], &t->v[i], (t->n - i) * sizeof(*t->v));
	t->v[i] = (struct tally) { .uid = uid };
	t->n++;
	return &t->v[i];
}

static void
drop_empty(struct tallies *t, struct tally *u)
{
	for (size_t i = 0; i < sizeof(u->of) / sizeof(u->of[0]); i++)
		if (u->of[i] != 0)
			return;
	memmove(u, u + 1, (size_t)(t->v + t->n - (u + 1)) * sizeof(*u));
	t->n--;
}

/* --- the oldest ----------------------------------------------------------- */

/* Of one second, the one that is in the list is in front of one that comes. */
static bool
is_older(const struct entry *a, const struct entry *b)
{
	return b == NULL || a->times.arrived_s < b->times.arrived_s;
}

/* The next one behind e, of this user or, t being the tally of all, of any. */
static struct entry *
next_oldest(const struct queue *q, const struct tally *t, const struct entry *e)
{
	for (struct list *it = e->link.next; it != &q->entries.listed;
	     it = it->next) {
		struct entry *x = list_entry(it, struct entry, link);

		if (!x->is_failed && (t == &q->tallies.all || x->uid == t->uid))
			return x;
	}
	return NULL;
}

void
counts_sorted(struct queue *q)
{
	struct tallies *t = &q->tallies;

	t->all.oldest = NULL;
	for (size_t i = 0; i < t->n; i++)
		t->v[i].oldest = NULL;
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);
		struct tally *u = find_tally(t, e->uid);

		if (e->is_failed || u == NULL)
			continue;
		if (t->all.oldest == NULL)
			t->all.oldest = e;
		if (u->oldest == NULL)
			u->oldest = e;
	}
}

/* --- counting ------------------------------------------------------------- */

/* stays: it is in the list, and has not failed, all the same. */
static void
leave(struct queue *q, struct tally *t, const struct entry *e, bool stays)
{
	t->of[e->tallied_as - 1]--;
	if (t->oldest == e && !stays)
		t->oldest = next_oldest(q, t, e);
}

static void
join(struct tally *t, struct entry *e)
{
	t->of[e->tallied_as - 1]++;
	if (!e->is_failed && is_older(e, t->oldest))
		t->oldest = e;
}

/* now: 0, or 1 + its state. */
static void
count_as(struct queue *q, struct entry *e, unsigned now)
{
	struct tallies *t = &q->tallies;
	bool stays = now != 0 && !e->is_failed;
	struct tally *u;

	if (now == e->tallied_as)
		return;
	u = get_tally(t, e->uid);
	if (e->tallied_as != 0) {
		leave(q, &t->all, e, stays);
		leave(q, u, e, stays);
	}
	e->tallied_as = now & 7u;
	if (e->tallied_as != 0) {
		join(&t->all, e);
		join(u, e);
	}
	drop_empty(t, u);
}

void
entry_count(struct queue *q, struct entry *e)
{
	bool is_listed = !list_is_empty(&e->link);

	count_as(q, e, is_listed ? 1u + (unsigned)entry_state(e) : 0);
}

void
entry_uncount(struct queue *q, struct entry *e)
{
	count_as(q, e, 0);
}

void
counts_clear(struct queue *q)
{
	free(q->tallies.v);
	q->tallies = (struct tallies) { .n = 0 };
}

/* --- asking --------------------------------------------------------------- */

static void
copy_counts(const struct tally *t, struct queue_counts *ret)
{
	*ret = (struct queue_counts) { .oldest_s = 0 };
	if (t == NULL)
		return;
	for (size_t i = 0; i < sizeof(ret->of) / sizeof(ret->of[0]); i++)
		ret->of[i] = t->of[i];
	if (t->oldest != NULL)
		ret->oldest_s = t->oldest->times.arrived_s;
}

void
queue_counts(const struct queue *q, struct queue_counts *ret)
{
	copy_counts(&q->tallies.all, ret);
}

void
queue_counts_of(const struct queue *q, uint32_t uid, struct queue_counts *ret)
{
	copy_counts(find_tally(&q->tallies, uid), ret);
}
