/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_far.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "ctl/ctl_server.h"

struct fars {
	struct loop *loop;
	unsigned asked; /* and not come back to the loop */
	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t over;
	unsigned running;
	bool is_closed;
};

struct fars *
fars_new(struct loop *l)
{
	struct fars *all = xcalloc(1, sizeof(*all));

	all->loop = l;
	(void)pthread_mutex_init(&all->mutex, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&all->over, NULL);
	return all;
}

static void
free_all(struct fars *all)
{
	(void)pthread_cond_destroy(&all->over);
	(void)pthread_mutex_destroy(&all->mutex);
	free(all);
}

void
fars_free(struct fars *all)
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
run_far(struct work *w)
{
	struct far *f = list_entry(w, struct far, work);
	struct fars *all = f->all;
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
end_far(struct work *w)
{
	struct far *f = list_entry(w, struct far, work);
	struct fars *all = f->all;

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
far_init(struct far *f, struct fars *all, struct ctl_call *call,
    void (*free_it)(struct far *f))
{
	*f = (struct far) { .work = { .run = run_far, .done = end_far },
		.all = all,
		.call = call,
		.free_it = free_it };
}

void
far_ask(struct far *f, int (*ask)(struct far *f))
{
	f->ask = ask;
	f->is_asking = true;
	f->all->asked++;
	ctl_call_wait(f->call);
	loop_submit_slow(f->all->loop, LOOP_LANE_VIEWS, &f->work);
}

void
far_leave(struct far *f)
{
	f->call = NULL;
	if (!f->is_asking)
		f->free_it(f);
}
