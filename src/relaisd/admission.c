/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/admission.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account/accounts.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "net/people.h"

static bool
list_has(const struct conf_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

static bool
is_in_groups(const struct conf_list *groups, const struct person *who)
{
	for (size_t i = 0; i < who->ngroups; i++)
		if (list_has(groups, who->groups[i]))
			return true;
	return false;
}

static bool
is_listed(const struct conf *c, const struct person *who)
{
	char number[16];

	if (!uid_is_known(who->uid))
		return false;
	(void)snprintf(number, sizeof(number), "%" PRIu32, who->uid);
	return list_has(&c->allow_users, number) ||
	       (who->name != NULL && list_has(&c->allow_users, who->name)) ||
	       is_in_groups(&c->allow_groups, who);
}

/* It matters for the way of his mail who this is. */
static bool
has_users(const struct conf *c)
{
	for (size_t i = 0; i < c->naccounts; i++)
		if (c->accounts[i].users.n > 0)
			return true;
	return false;
}

const char *
admission_bars(
    const struct conf *c, const struct person *who, bool *ret_is_unsure)
{
	bool has_rule = c->allow_users.n > 0 || c->allow_groups.n > 0;

	*ret_is_unsure = who->is_silent ||
			 (c->allow_groups.n > 0 && who->name != NULL &&
			     !who->has_groups);
	if (!has_rule || is_listed(c, who))
		return who->is_silent && has_users(c) ? "users" : NULL;
	if (c->allow_groups.n == 0)
		return "allow_users";
	return c->allow_users.n == 0 ? "allow_groups"
				     : "allow_users, allow_groups";
}

static uint64_t
smaller_limit(uint64_t a, uint64_t b) /* 0: none */
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What this account takes: its setting, and what the provider said last. */
static uint64_t
account_limit(
    const struct conf *c, const struct accounts *accounts, size_t account)
{
	struct account_status st = { .size_max_bytes = 0 };

	(void)accounts_status(
	    accounts, accounts_handle(accounts, account), &st);
	return smaller_limit(
	    c->accounts[account].max_size_bytes, st.size_max_bytes);
}

uint64_t
admission_max_size(const struct conf *c, const struct accounts *accounts)
{
	uint64_t most = account_limit(c, accounts, 0);

	for (size_t i = 1; i < c->naccounts && most != 0; i++) {
		uint64_t limit = account_limit(c, accounts, i);

		most = limit == 0 || limit > most ? limit : most;
	}
	return smaller_limit(c->max_size_bytes, most);
}

struct limits {
	const struct conf *conf;
	const struct accounts *accounts;
};

static uint64_t
limit_of(void *ctx, size_t account)
{
	const struct limits *l = ctx;

	return account_limit(l->conf, l->accounts, account);
}

bool
admission_refuses(const struct conf *c, const struct accounts *accounts,
    const struct envelope *e, struct verdict *ret_why)
{
	struct limits l = { c, accounts };

	return conf_refuses(c, e, limit_of, &l, ret_why);
}
