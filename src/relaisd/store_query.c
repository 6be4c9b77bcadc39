/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/store_query.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "ctl/ctl_server.h"

struct store_queries {
	struct loop *loop;
	unsigned asked; /* and not come back to the loop */
	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t over;
	unsigned running;
	bool is_closed;
};

struct store_queries *
store_queries_new(struct loop *l)
{
	struct store_queries *all = xcalloc(1, sizeof(*all));

	all->loop = l;
	(void)pthread_mutex_init(&all->mutex, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&all->over, NULL);
	return all;
}

static void
free_all(struct store_queries *all)
{
	(void)pthread_cond_destroy(&all->over);
	(void)pthread_mutex_destroy(&all->mutex);
	free(all);
}

void
store_queries_free(struct store_queries *all)
{
	if (all == NULL)
		return;
	(void)pthread_mutex_lock(&all->mutex);
	all->is_closed = true;
	while (all->running > 0)
		(void)pthread_cond_wait(&all->over, &all->mutex);
	(void)pthread_mutex_unlock(&all->mutex);
	if (all->asked == 0) /* else the last one that comes back does */
		free_all(all);
}

static void
run_query(struct work *w)
{
	struct store_query *f = list_entry(w, struct store_query, work);
	struct store_queries *all = f->all;
	bool may;

	(void)pthread_mutex_lock(&all->mutex);
	may = !all->is_closed;
	all->running += may;
	(void)pthread_mutex_unlock(&all->mutex);
	if (!may)
		return;
	f->rc = f->ask(f);
	(void)pthread_mutex_lock(&all->mutex);
	all->running--;
	(void)pthread_cond_signal(&all->over);
	(void)pthread_mutex_unlock(&all->mutex);
}

static void
end_query(struct work *w)
{
	struct store_query *f = list_entry(w, struct store_query, work);
	struct store_queries *all = f->all;

	f->is_asking = false;
	all->asked--;
	if (f->call != NULL)
		ctl_call_wake(f->call);
	else
		f->free_it(f);
	if (all->is_closed && all->asked == 0)
		free_all(all);
}

void
store_query_init(struct store_query *f, struct store_queries *all,
    struct ctl_call *call, void (*free_it)(struct store_query *f))
{
	*f = (struct store_query) { .work = { .run = run_query,
					.done = end_query },
		.all = all,
		.call = call,
		.free_it = free_it };
}

void
store_query_ask(struct store_query *f, int (*ask)(struct store_query *f))
{
	f->ask = ask;
	f->is_asking = true;
	f->all->asked++;
	ctl_call_wait(f->call);
	loop_submit_slow(f->all->loop, LOOP_LANE_VIEWS, &f->work);
}

void
store_query_leave(struct store_query *f)
{
	f->call = NULL;
	if (!f->is_asking)
		f->free_it(f);
}
