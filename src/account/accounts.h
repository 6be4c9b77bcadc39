/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts.h - the accounts that there are, by name and by handle.
 *
 * A handle is the account index of queue.h: it stays the same as long as the
 * account has its name, wherever that stands in the configuration, and while an
 * account that is gone finishes what it carries nobody else gets its handle.
 */
#ifndef ACCOUNT_ACCOUNTS_H
#define ACCOUNT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "account/account.h"

struct accounts;

/* Copies hooks, without a listener. */
struct accounts *accounts_new(
    struct loop *l, const struct rng *rng, const struct account_hooks *hooks);
void accounts_free(struct accounts *s);

/* Before the first accounts_set(): the owner of the connections hears of
 * changes. */
void accounts_listen(struct accounts *s,
    void (*changed)(
	void *listener, struct account *a, enum account_change what),
    void *listener);

/* From now on these are the accounts.  Those whose name was there before go on
 * with their new options, others begin, and what is missing leaves.  Takes over
 * each of opts, not the array.  The caller asks the queue to route everything
 * anew, with accounts_handles(). */
void accounts_set(
    struct accounts *s, struct account_opts *const *opts, size_t n);
/* This account has left, and none of its deliveries is in progress. */
void accounts_remove(struct accounts *s, struct account *a);

/* How many accounts accounts_set() named; the handle of the i-th of them. */
size_t accounts_count(const struct accounts *s);
int accounts_handle(const struct accounts *s, size_t i);
/* Every handle is less than this. */
int accounts_handles(const struct accounts *s);
/* NULL: no account has this handle. */
struct account *accounts_at(const struct accounts *s, int handle);
/* Likewise; borrowed until its options change. */
const char *accounts_name(const struct accounts *s, int handle);
/* Likewise: false. */
bool accounts_status(
    const struct accounts *s, int handle, struct account_status *ret);

/* `relais flush`: paused and held accounts try at once; -1: all.  is_gentle: as
 * account_flush() has it. */
void accounts_flush(struct accounts *s, int handle, bool is_gentle);
/* An address or route changed: paused accounts try soon. */
void accounts_network_changed(struct accounts *s);
/* The end: what was counted is kept. */
void accounts_stop(struct accounts *s);

#endif
