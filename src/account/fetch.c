/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/fetch.h"

#include <stdlib.h>

#include "account/account_opts.h"
#include "base/xalloc.h"
#include "net/loop.h"

struct fetch {
	struct loop_job job; /* first, so that a job is a fetch */
	struct account_opts *opts; /* as they were */
	struct cred_wish wish;
	void (*told)(void *ctx, const struct fetched *got);
	void *ctx;
	struct fetched got;
};

static void
run(struct loop_job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;
	const struct account_opts *o = f->opts;

	f->got.result = o->fetch_secret(
	    o->fetch_ctx, &f->wish, &f->got.secret, &f->got.facts, &f->got.err);
	if (f->got.result != CRED_OK)
		f->got.secret = NULL;
}

static void
done(struct loop_job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	if (f->told != NULL)
		f->told(f->ctx, &f->got);
	secret_free(f->got.secret);
	account_opts_free(f->opts);
	free(f);
}

struct fetch *
fetch_new(struct loop *l, struct account_opts *opts, struct cred_wish wish,
    void (*told)(void *ctx, const struct fetched *got), void *ctx)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->job = (struct loop_job) { .run = run, .done = done };
	f->opts = account_opts_ref(opts);
	f->wish = wish;
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
