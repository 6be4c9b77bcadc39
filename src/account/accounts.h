/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts.h - all accounts, by name and by handle.
 *
 * A handle is the number of an account, also in queue.h.  It stays the same as
 * long as the account keeps its name, wherever the name stands in the
 * configuration.  While a removed account finishes what it carries, no other
 * account gets its handle.
 */
#ifndef ACCOUNT_ACCOUNTS_H
#define ACCOUNT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "account/account.h"

struct accounts;

/* Copies hooks, except the listener. */
struct accounts *accounts_new(
    struct loop *l, const struct rng *rng, const struct account_hooks *hooks);
void accounts_free(struct accounts *s);

/* Sets the listener: the owner of the connections, which hears of changes.
 * Before the first accounts_set(). */
void accounts_listen(struct accounts *s,
    void (*changed)(
	void *listener, struct account *a, enum account_change what),
    void *listener);

/* Replaces the set of accounts.  Accounts whose name stays continue with their
 * new options, new ones begin, and missing ones leave (ACCOUNT_LEFT).  Takes
 * over each of opts, not the array.  The caller then has the queue route
 * everything again, with accounts_handles(). */
void accounts_set(
    struct accounts *s, struct account_opts *const *opts, size_t n);
/* Removes an account that has left and none of whose deliveries is in
 * progress. */
void accounts_remove(struct accounts *s, struct account *a);

/* How many accounts accounts_set() named; the handle of the i-th of them. */
size_t accounts_count(const struct accounts *s);
int accounts_handle(const struct accounts *s, size_t i);
/* Every handle is less than this. */
int accounts_handles(const struct accounts *s);
/* NULL: no account has this handle. */
struct account *accounts_at(const struct accounts *s, int handle);
/* The name of the account with this handle, or NULL; borrowed until its options
 * change. */
const char *accounts_name(const struct accounts *s, int handle);
/* False: no account has this handle. */
bool accounts_status(
    const struct accounts *s, int handle, struct account_status *ret);

/* `relais flush`: paused and held accounts try at once; -1: all.  is_gentle: as
 * account_flush() has it. */
void accounts_flush(struct accounts *s, int handle, bool is_gentle);
/* An address or route of this machine changed: paused accounts try soon. */
void accounts_network_changed(struct accounts *s);
/* The program ends: saves the counts. */
void accounts_stop(struct accounts *s);

#endif
