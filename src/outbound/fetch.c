/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/fetch.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "outbound/pool.h"

struct fetch {
	struct loop_job job; /* first, so that a job is a fetch */
	struct list link; /* in the pool's list */
	struct pool_opts *opts; /* as they were */
	void (*told)(
	    void *ctx, const struct secret *secret, const struct err *why);
	void *ctx;
	struct secret *secret;
	struct err err;
};

static void
run(struct loop_job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	const struct pool_opts *o = f->opts;

	if (o->fetch_secret(o->fetch_ctx, &f->secret, &f->err) != 0)
		f->secret = NULL;
}

static void
done(struct loop_job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	list_remove(&f->link);
	if (f->told != NULL)
		f->told(f->ctx, f->secret, &f->err);
	secret_free(f->secret);
	pool_opts_free(f->opts);
	free(f);
}

struct fetch *
fetch_new(struct pool *p,
    void (*told)(void *ctx, const struct secret *secret, const struct err *why),
    void *ctx)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->job = (struct loop_job) { .run = run, .done = done };
	f->opts = pool_opts_ref(pool_opts_of(p));
	f->told = told;
	f->ctx = ctx;
	list_append(pool_fetches(p), &f->link);
	loop_submit_slow(pool_loop(p), LOOP_LANE_SECRETS, &f->job);
	return f;
}

struct fetch *
fetch_of_link(struct list *link)
{
	return list_entry(link, struct fetch, link);
}

void
fetch_forget(struct fetch *f)
{
	if (f != NULL)
		f->told = NULL;
}
