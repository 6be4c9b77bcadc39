/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/fetch.h"

#include <stdlib.h>

#include "account/account_opts.h"
#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"

struct fetch {
	struct work work;
	struct account_opts *opts; /* as they were */
	struct cred_wish wish;
	void (*told)(void *ctx, const struct fetched *got);
	void *ctx;
	struct fetched got;
};

static void
run_fetch(struct work *w)
{
	struct fetch *f = list_entry(w, struct fetch, work);
	const struct account_opts *o = f->opts;

	f->got.result = o->fetch_secret(
	    o->fetch_ctx, &f->wish, &f->got.secret, &f->got.facts, &f->got.err);
	if (f->got.result != CRED_OK)
		f->got.secret = NULL;
}

static void
end_fetch(struct work *w)
{
	struct fetch *f = list_entry(w, struct fetch, work);

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

	f->work = (struct work) { .run = run_fetch, .done = end_fetch };
	f->opts = account_opts_ref(opts);
	f->wish = wish;
	f->told = told;
	f->ctx = ctx;
	loop_submit_slow(l, LOOP_LANE_SECRETS, &f->work);
	return f;
}

void
fetch_forget(struct fetch *f)
{
	if (f != NULL)
		f->told = NULL;
}
