/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/inbound_hooks.h"

#include <stdlib.h>

#include "account/accounts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "relaisd/admission.h"
#include "relaisd/routing.h"
#include "sys/clock_sys.h"

enum { LOOK_EVERY_MS = 5 };

struct inbound_hooks {
	const struct routing *routing;
	const struct accounts *accounts;
	struct people *people;
	struct aliases *aliases;
	int64_t looked_ms; /* at their file */
};

static const struct conf *
conf_of(const struct inbound_hooks *r)
{
	return routing_conf(r->routing);
}

struct inbound_hooks *
inbound_hooks_new(const struct routing *routing,
    const struct accounts *accounts, struct people *people)
{
	struct inbound_hooks *r = xcalloc(1, sizeof(*r));

	r->routing = routing;
	r->accounts = accounts;
	r->people = people;
	return r;
}

void
inbound_hooks_free(struct inbound_hooks *r)
{
	if (r == NULL)
		return;
	alias_free(r->aliases);
	free(r);
}

/* --- who may submit, and what --------------------------------------------- */

static const char *
bars(void *ctx, const struct person *who, bool *ret_is_unsure)
{
	return admission_bars(conf_of(ctx), who, ret_is_unsure);
}

static uint64_t
max_size(void *ctx)
{
	const struct inbound_hooks *r = ctx;

	return admission_max_size(conf_of(r), r->accounts);
}

static bool
refuses(void *ctx, const struct envelope *e, struct verdict *ret_why)
{
	const struct inbound_hooks *r = ctx;

	return admission_refuses(conf_of(r), r->accounts, e, ret_why);
}

static bool
keeps_sender(void *ctx, const char *addr)
{
	const struct conf *c = conf_of(ctx);

	for (size_t i = 0; i < c->naccounts; i++) {
		struct identity_opts o = conf_identity(c, &c->accounts[i]);

		if (identity_allows(&o, addr))
			return true;
	}
	return false;
}

static const char *
account_name(void *ctx, int account)
{
	const struct inbound_hooks *r = ctx;

	return accounts_name(r->accounts, account);
}

/* --- names of this machine ------------------------------------------------ */

/* Problems are no reason to take no mail: what is right holds. */
void
inbound_hooks_reload(struct inbound_hooks *r)
{
	struct conf_problems problems = { 0 };

	r->aliases = alias_reload(r->aliases, conf_of(r)->aliases, &problems);
	for (size_t i = 0; i < problems.n; i++)
		log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	conf_problems_clear(&problems);
}

static bool
is_local(void *ctx, const char *addr)
{
	struct alias_opts o = alias_opts_of(conf_of(ctx));

	return alias_is_local(&o, addr);
}

/* The file is looked at again whenever it matters, so that nobody has to tell
 * the daemon about a change, but not for each of hundreds of messages a
 * second. */
static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	struct inbound_hooks *r = ctx;
	struct alias_opts o = alias_opts_of(conf_of(r));
	int64_t now = clock_boot_ms(clock_sys());

	if (now >= r->looked_ms + LOOK_EVERY_MS) {
		r->looked_ms = now;
		if (alias_is_stale(r->aliases))
			inbound_hooks_reload(r);
	}
	return alias_resolve(r->aliases, &o, addr, to);
}

static bool
is_name(void *ctx, const char *word)
{
	struct inbound_hooks *r = ctx;

	if (alias_names_are_stale(r->aliases))
		inbound_hooks_reload(r);
	return alias_is_name(r->aliases, word);
}

struct inbound_opts
inbound_hooks_opts(struct inbound_hooks *r)
{
	const struct conf *c = conf_of(r);

	return (struct inbound_opts) {
		.hostname = c->host_found,
		.max_size = max_size,
		.hide_submitter = c->received_hide,
		.max_rcpts = (size_t)c->max_recipients,
		.max_sessions = (size_t)c->max_sessions,
		.verdict_ms = c->verdict_timeout_ms,
		.people = r->people,
		.bars = bars,
		.refuses = refuses,
		.keeps_sender = keeps_sender,
		.account_name = account_name,
		.locals = { is_local, resolve, is_name, r },
		.ctx = r,
	};
}
