/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/admission.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "conf/account.h"
#include "conf/conf.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "outbound/outbound.h"

static bool
list_has(const struct conf_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

static bool
is_in_groups(const struct conf_list *groups, const struct passwd *pw)
{
	gid_t gids[256];
	int n = sizeof(gids) / sizeof(gids[0]);

	if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) < 0)
		n = sizeof(gids) / sizeof(gids[0]);
	for (int i = 0; i < n; i++) {
		struct group *g = getgrgid(gids[i]);

		if (g != NULL && list_has(groups, g->gr_name))
			return true;
	}
	return false;
}

static bool
is_listed(const struct conf *c, uint32_t uid)
{
	const struct passwd *pw;
	char number[16];

	if (!uid_is_known(uid))
		return false;
	(void)snprintf(number, sizeof(number), "%" PRIu32, uid);
	if (list_has(&c->allow_users, number))
		return true;
	if ((pw = getpwuid(uid)) == NULL)
		return false;
	return list_has(&c->allow_users, pw->pw_name) ||
	       (c->allow_groups.n > 0 && is_in_groups(&c->allow_groups, pw));
}

const char *
admission_bars(const struct conf *c, uint32_t uid)
{
	if ((c->allow_users.n == 0 && c->allow_groups.n == 0) ||
	    is_listed(c, uid))
		return NULL;
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
account_limit(const struct conf *c, const struct outbound *o, size_t account)
{
	struct pool_status st = { .size_max_bytes = 0 };

	(void)outbound_status(o, outbound_handle(o, account), &st);
	return smaller_limit(
	    c->accounts[account].max_size_bytes, st.size_max_bytes);
}

uint64_t
admission_max_size(const struct conf *c, const struct outbound *o)
{
	uint64_t most = account_limit(c, o, 0);

	for (size_t i = 1; i < c->naccounts && most != 0; i++) {
		uint64_t limit = account_limit(c, o, i);

		most = limit == 0 || limit > most ? limit : most;
	}
	return smaller_limit(c->max_size_bytes, most);
}

static bool
is_too_large(const struct conf *c, const struct outbound *o,
    const struct envelope *e, struct buf *why)
{
	size_t i = (size_t)conf_route(c, e, NULL);
	uint64_t limit = account_limit(c, o, i);

	if (limit == 0 || e->size_bytes <= limit)
		return false;
	IGNORE(buf_addf(why,
	    "the provider of account %s takes no message of more than %llu "
	    "bytes",
	    c->accounts[i].name, (unsigned long long)limit));
	return true;
}

bool
admission_refuses(const struct conf *c, const struct outbound *o,
    const struct envelope *e, struct verdict *ret_why)
{
	bool is_so = true;
	struct buf why;

	buf_init(&why, VERDICT_TEXT_MAX);
	if (conf_route_refuses(c, e, &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 550, "5.7.1",
		    buf_str(&why));
	else if (is_too_large(c, o, e, &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 552, "5.3.4",
		    buf_str(&why));
	else
		is_so = false;
	buf_clear(&why);
	return is_so;
}
