/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/accounts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* The place in the array is the handle. */
struct slot {
	struct account *account; /* NULL: free */
	bool is_named; /* by the newest accounts_set() */
};

struct accounts {
	struct loop *loop;
	const struct rng *rng;
	struct account_hooks hooks;
	struct slot *slots;
	size_t nslots;
	int *order; /* handles, as accounts_set() named them */
	size_t n;
};

struct accounts *
accounts_new(
    struct loop *l, const struct rng *rng, const struct account_hooks *hooks)
{
	struct accounts *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->rng = rng;
	s->hooks = *hooks;
	s->hooks.changed = NULL;
	return s;
}

void
accounts_free(struct accounts *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nslots; i++)
		account_free(s->slots[i].account);
	free(s->slots);
	free(s->order);
	free(s);
}

void
accounts_listen(struct accounts *s,
    void (*changed)(
	void *listener, struct account *a, enum account_change what),
    void *listener)
{
	s->hooks.changed = changed;
	s->hooks.listener = listener;
}

static void
announce_change(const struct accounts *s, size_t i, enum account_change what)
{
	if (s->hooks.changed != NULL)
		s->hooks.changed(s->hooks.listener, s->slots[i].account, what);
}

/* --- which there are ------------------------------------------------------ */

/* The place of this name, or a free one, or a new one. */
static size_t
find_slot(struct accounts *s, const char *name)
{
	size_t found = s->nslots;

	for (size_t i = 0; i < s->nslots; i++) {
		const struct account *a = s->slots[i].account;

		if (a == NULL)
			found = i;
		else if (strcmp(account_options(a)->name, name) == 0)
			return i;
	}
	if (found == s->nslots) {
		s->slots = xrealloc(s->slots, s->nslots + 1, sizeof(*s->slots));
		s->slots[s->nslots++] = (struct slot) { .account = NULL };
	}
	return found;
}

static int
set_one(struct accounts *s, struct account_opts *opts)
{
	size_t i = find_slot(s, opts->name);
	struct slot *slot = &s->slots[i];

	if (slot->account != NULL)
		account_set_opts(slot->account, opts);
	else
		slot->account = account_new(
		    s->loop, s->rng, (int)i, &s->hooks, opts);
	slot->is_named = true;
	announce_change(s, i, ACCOUNT_CAME);
	return (int)i;
}

void
accounts_set(struct accounts *s, struct account_opts *const *opts, size_t n)
{
	free(s->order);
	s->order = xcalloc(n, sizeof(*s->order));
	s->n = n;
	for (size_t i = 0; i < s->nslots; i++)
		s->slots[i].is_named = false;
	for (size_t i = 0; i < n; i++)
		s->order[i] = set_one(s, opts[i]);
	for (size_t i = 0; i < s->nslots; i++)
		if (s->slots[i].account != NULL && !s->slots[i].is_named) {
			account_stop(s->slots[i].account);
			announce_change(s, i, ACCOUNT_LEFT);
		}
}

void
accounts_remove(struct accounts *s, struct account *a)
{
	struct slot *slot = &s->slots[account_handle(a)];

	assert(slot->account == a && !slot->is_named);
	account_stop(a);
	account_free(a);
	slot->account = NULL;
}

size_t
accounts_count(const struct accounts *s)
{
	return s->n;
}

int
accounts_handle(const struct accounts *s, size_t i)
{
	assert(i < s->n);
	return s->order[i];
}

int
accounts_handles(const struct accounts *s)
{
	return (int)s->nslots;
}

struct account *
accounts_at(const struct accounts *s, int handle)
{
	return handle >= 0 && (size_t)handle < s->nslots
		   ? s->slots[handle].account
		   : NULL;
}

const char *
accounts_name(const struct accounts *s, int handle)
{
	const struct account *a = accounts_at(s, handle);

	return a != NULL ? account_options(a)->name : NULL;
}

bool
accounts_status(
    const struct accounts *s, int handle, struct account_status *ret)
{
	const struct account *a = accounts_at(s, handle);

	if (a != NULL)
		account_status(a, ret);
	return a != NULL;
}

/* --- all at once ---------------------------------------------------------- */

void
accounts_flush(struct accounts *s, int handle, bool is_gentle)
{
	for (size_t i = 0; i < s->n; i++)
		if (handle < 0 || handle == s->order[i])
			account_flush(accounts_at(s, s->order[i]), is_gentle);
}

void
accounts_network_changed(struct accounts *s)
{
	for (size_t i = 0; i < s->n; i++)
		account_network_changed(accounts_at(s, s->order[i]));
}

void
accounts_stop(struct accounts *s)
{
	for (size_t i = 0; s != NULL && i < s->nslots; i++)
		if (s->slots[i].account != NULL)
			account_stop(s->slots[i].account);
}
