/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/places.h"

#include <time.h>

struct waiter {
	struct list link;
	uint32_t uid;
};

void
places_init(struct places *p)
{
	pthread_condattr_t attr;

	/* None of these fails on Linux with valid arguments. */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	list_init(&p->waiting);
	p->n = 0;
}

static size_t
count_of(const struct places *p, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->taken[i] == uid;
	return n;
}

/* The one that a free place is for; NULL: nobody may have it. */
static const struct waiter *
next_one(const struct places *p)
{
	const struct waiter *best = NULL;
	size_t fewest = PLACES_PER_UID;

	if (p->n == PLACES_MAX)
		return NULL;
	list_foreach (it, &p->waiting) {
		const struct waiter *w = list_entry(it, struct waiter, link);
		size_t n = count_of(p, w->uid);

		if (n < fewest) {
			best = w;
			fewest = n;
		}
	}
	return best;
}

bool
places_take(struct places *p, uint32_t uid, int wait_s)
{
	struct waiter me = { .uid = uid };
	struct timespec until;
	bool is_mine;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* is always there */
	until.tv_sec += wait_s;
	(void)pthread_mutex_lock(&p->lock); /* cannot fail: not recursive */
	list_append(&p->waiting, &me.link);
	while (!(is_mine = next_one(p) == &me) && rc == 0)
		rc = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	list_remove(&me.link);
	if (is_mine)
		p->taken[p->n++] = uid;
	/* There may be another place, for somebody else. */
	(void)pthread_cond_broadcast(&p->changed); /* never fails */
	(void)pthread_mutex_unlock(&p->lock); /* it is ours */
	return is_mine;
}

void
places_leave(struct places *p, uint32_t uid)
{
	(void)pthread_mutex_lock(&p->lock); /* cannot fail: not recursive */
	for (size_t i = 0; i < p->n; i++)
		if (p->taken[i] == uid) {
			p->taken[i] = p->taken[--p->n];
			break;
		}
	(void)pthread_cond_broadcast(&p->changed); /* never fails */
	(void)pthread_mutex_unlock(&p->lock); /* it is ours */
}
