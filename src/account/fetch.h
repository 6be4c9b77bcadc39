/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.h - fetches an account's secret on a worker thread.
 *
 * It may outlive the caller and the account, because a worker cannot be stopped
 * half-way.
 */
#ifndef ACCOUNT_FETCH_H
#define ACCOUNT_FETCH_H

#include "base/err.h"
#include "base/secret.h"

struct account_opts;
struct fetch;
struct loop;

/* opts are kept until the fetch is done.  told() is called once, from the loop,
 * unless fetch_forget() came first. secret is NULL if it could not be had, why
 * says the reason; both are borrowed during the call. */
struct fetch *fetch_new(struct loop *l, struct account_opts *opts,
    void (*told)(void *ctx, const struct secret *secret, const struct err *why),
    void *ctx);
void fetch_forget(struct fetch *f); /* NULL is allowed */

#endif
