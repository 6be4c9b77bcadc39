/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/derive.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "sasl/sasl.h"

struct derive {
	struct loop_job job; /* first, so that a job is a derive */
	struct sasl_key *key;
	void (*told)(void *ctx, const struct sasl_key *k); /* NULL: nobody */
	void *ctx;
};

static void
run(struct loop_job *j)
{
	struct derive *d = (struct derive *)(void *)j;

	sasl_key_derive(d->key);
}

static void
done(struct loop_job *j)
{
	struct derive *d = (struct derive *)(void *)j;

	if (d->told != NULL)
		d->told(d->ctx, d->key);
	sasl_key_free(d->key);
	free(d);
}

struct derive *
derive_new(struct loop *l, struct sasl_key *k,
    void (*told)(void *ctx, const struct sasl_key *k), void *ctx)
{
	struct derive *d = xcalloc(1, sizeof(*d));

	d->job = (struct loop_job) { .run = run, .done = done };
	d->key = k;
	d->told = told;
	d->ctx = ctx;
	loop_submit_slow(l, LOOP_LANE_KEYS, &d->job);
	return d;
}

void
derive_forget(struct derive *d)
{
	if (d != NULL)
		d->told = NULL;
}
