/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/derive.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "sasl/sasl.h"

struct derive {
	struct work work;
	struct sasl_key *key;
	void (*told)(void *ctx, const struct sasl_key *k); /* NULL: nobody */
	void *ctx;
};

static void
run_derive(struct work *w)
{
	struct derive *d = list_entry(w, struct derive, work);

	sasl_key_derive(d->key);
}

static void
end_derive(struct work *w)
{
	struct derive *d = list_entry(w, struct derive, work);

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

	d->work = (struct work) { .run = run_derive, .done = end_derive };
	d->key = k;
	d->told = told;
	d->ctx = ctx;
	loop_submit_slow(l, LOOP_LANE_KEYS, &d->work);
	return d;
}

void
derive_forget(struct derive *d)
{
	if (d != NULL)
		d->told = NULL;
}
