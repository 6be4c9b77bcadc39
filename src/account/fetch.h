/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.h - fetches an account's secret on a worker thread.
 *
 * A fetch may outlive its caller and the account, because a worker thread
 * cannot be stopped half-way.
 */
#ifndef ACCOUNT_FETCH_H
#define ACCOUNT_FETCH_H

#include "base/err.h"
#include "base/secret.h"
#include "cred/cred.h"

struct account_opts;
struct fetch;
struct loop;

struct fetched {
	enum cred_result result;
	struct secret *secret; /* NULL unless CRED_OK */
	struct cred_facts facts; /* of a token */
	struct err err; /* why not, unless CRED_OK */
};

/* Fetches with these options, to which it keeps a reference.  told() is called
 * once, from the loop, unless fetch_forget() came first; its argument is
 * borrowed for the call. */
struct fetch *fetch_new(struct loop *l, struct account_opts *opts,
    struct cred_wish wish, void (*told)(void *ctx, const struct fetched *got),
    void *ctx);
/* told() will not be called; NULL is allowed */
void fetch_forget(struct fetch *f);

#endif
