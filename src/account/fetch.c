/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/fetch.h"

#include <stdlib.h>

#include "account/account_opts.h"
#include "base/xalloc.h"
#include "net/loop.h"

struct fetch {
	struct loop_job job; /* first, so that a job is a fetch */
	struct account_opts *opts; /* as they were */
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
	const struct account_opts *o = f->opts;

	if (o->fetch_secret(o->fetch_ctx, &f->secret, &f->err) != 0)
		f->secret = NULL;
}

static void
done(struct loop_job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	if (f->told != NULL)
		f->told(f->ctx, f->secret, &f->err);
	secret_free(f->secret);
	account_opts_free(f->opts);
	free(f);
}

struct fetch *
fetch_new(struct loop *l, struct account_opts *opts,
    void (*told)(void *ctx, const struct secret *secret, const struct err *why),
    void *ctx)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->job = (struct loop_job) { .run = run, .done = done };
	f->opts = account_opts_ref(opts);
	f->told = told;
	f->ctx = ctx;
	loop_submit_slow(l, LOOP_LANE_SECRETS, &f->job);
	return f;
}

void
fetch_forget(struct fetch *f)
{
	if (f != NULL)
		f->told = NULL;
}
