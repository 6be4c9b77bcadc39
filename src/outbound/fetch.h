/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.h - a pool's secret, fetched on a worker thread.
 *
 * Outlives whoever asked, and the pool, if it must, because a worker cannot be
 * stopped half-way.
 */
#ifndef OUTBOUND_FETCH_H
#define OUTBOUND_FETCH_H

#include "base/err.h"
#include "base/secret.h"

struct fetch;
struct list;
struct pool;

/* told() is called once, from the loop, unless fetch_forget() came first.
 * secret is NULL if it could not be had, why says the reason; both are
 * borrowed during the call. */
struct fetch *fetch_new(struct pool *p,
    void (*told)(void *ctx, const struct secret *secret, const struct err *why),
    void *ctx);
void fetch_forget(struct fetch *f); /* NULL is allowed */
struct fetch *fetch_of_link(struct list *link);

#endif
