/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/route.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/setting.h"
#include "mail/addr.h"
#include "mail/envelope.h"

static bool
matches_one(const struct conf_list *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (str_match(patterns->v[i], text))
			return true;
	return false;
}

/* user+tag counts as user, too. */
static bool
matches_address(const struct conf_list *patterns, const char *addr)
{
	char base[ADDR_MAX + 1];

	return matches_one(patterns, addr) ||
	       (addr_without_tag(addr, base) && matches_one(patterns, base));
}

static bool
is_for_sender(const struct conf_account *a, const struct envelope *e)
{
	return a->senders.n == 0 || matches_address(&a->senders, e->sender);
}

static bool
is_for_recipients(const struct conf_account *a, const struct envelope *e)
{
	if (a->recipients.n == 0)
		return true;
	for (size_t i = 0; i < e->nrcpts; i++)
		if (e->rcpts[i].state == RCPT_WAITING &&
		    !matches_address(&a->recipients, e->rcpts[i].addr))
			return false;
	return true;
}

/* By name, or by number for users who have none. */
static bool
is_for_user(const struct conf_account *a, const struct envelope *e)
{
	char number[16];

	if (a->users.n == 0)
		return true;
	if (e->user != NULL && matches_one(&a->users, e->user))
		return true;
	if (!uid_is_known(e->uid))
		return false;
	(void)snprintf(number, sizeof(number), "%" PRIu32, e->uid);
	return matches_one(&a->users, number);
}

static int
told(const char **ret_why, const char *why, int index)
{
	if (ret_why != NULL)
		*ret_why = why;
	return index;
}

int
conf_route(
    const struct conf *conf, const struct envelope *e, const char **ret_why)
{
	if (e->account != NULL) {
		int i = conf_account_find(conf, e->account);

		if (i < 0)
			return told(ret_why,
			    "the requested account does not exist", -1);
		if (!is_for_user(&conf->accounts[i], e))
			return told(ret_why,
			    "the requested account does not serve this user "
			    "(users)",
			    -1);
		return told(ret_why, "requested by name", i);
	}
	for (size_t i = 0; i < conf->naccounts; i++) {
		const struct conf_account *a = &conf->accounts[i];

		if (conf_account_has_condition(a) && is_for_sender(a, e) &&
		    is_for_recipients(a, e) && is_for_user(a, e))
			return told(ret_why, "its conditions match", (int)i);
	}
	if (conf->default_account < 0)
		return told(ret_why,
		    "no account serves this sender and these recipients "
		    "(senders, recipients, users), and no account is the "
		    "default",
		    -1);
	return told(ret_why, "the default", conf->default_account);
}

static void
add_nearest(const struct conf *conf, const char *name, struct buf *why)
{
	const char **names = xcalloc(conf->naccounts + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < conf->naccounts; i++)
		names[i] = conf->accounts[i].name;
	nearest = setting_nearest_word(names, name);
	if (nearest != NULL)
		IGNORE(buf_addf(why, ": did you mean \"%s\"?", nearest));
	free((void *)names);
}

bool
conf_route_refuses(
    const struct conf *conf, const struct envelope *e, struct buf *why)
{
	const char *text;

	if (conf_route(conf, e, &text) >= 0)
		return false;
	if (e->account == NULL || conf_account_find(conf, e->account) >= 0) {
		IGNORE(buf_adds(why, text)); /* cut when full, here and below */
		return true;
	}
	IGNORE(buf_adds(why, "unknown account \""));
	IGNORE(str_escape(why, bytes_str(e->account), STR_ESCAPE_MAX));
	IGNORE(buf_adds(why, "\""));
	add_nearest(conf, e->account, why);
	return true;
}

static bool
lists_are_equal(const struct conf_list *a, const struct conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool
conf_routes_alike(const struct conf *a, const struct conf *b)
{
	if (a->naccounts != b->naccounts ||
	    a->default_account != b->default_account)
		return false;
	for (size_t i = 0; i < a->naccounts; i++) {
		const struct conf_account *x = &a->accounts[i];
		const struct conf_account *y = &b->accounts[i];

		if (strcmp(x->name, y->name) != 0 ||
		    x->fallback != y->fallback ||
		    !lists_are_equal(&x->senders, &y->senders) ||
		    !lists_are_equal(&x->recipients, &y->recipients) ||
		    !lists_are_equal(&x->users, &y->users))
			return false;
	}
	return true;
}

struct identity_opts
conf_identity(const struct conf *conf, const struct conf_account *a)
{
	static const enum identity_mode modes[] = {
		[CONF_IDENTITY_ALLOW] = IDENTITY_ALLOW,
		[CONF_IDENTITY_FORCE] = IDENTITY_FORCE,
		[CONF_IDENTITY_KEEP] = IDENTITY_KEEP,
	};

	return (struct identity_opts) {
		.mode = modes[a->identity],
		.address = a->address,
		.full_name = a->full_name,
		.allowed = (const char *const *)a->allowed_senders.v,
		.nallowed = a->allowed_senders.n,
		.hostname = conf->host_found,
		.keeps_null_sender = a->null_sender,
	};
}

static bool
is_too_large(const struct conf_account *a, const struct envelope *e,
    uint64_t limit, struct buf *why)
{
	if (limit == 0 || e->size_bytes <= limit)
		return false;
	IGNORE(buf_addf(why,
	    "the provider of account %s accepts no message larger than %llu "
	    "bytes",
	    a->name, (unsigned long long)limit));
	return true;
}

bool
conf_refuses(const struct conf *conf, const struct envelope *e,
    uint64_t (*limit)(void *ctx, size_t account), void *ctx,
    struct verdict *ret_why)
{
	int i = conf_route(conf, e, NULL);
	const struct conf_account *a = i >= 0 ? &conf->accounts[i] : NULL;
	struct buf why;
	bool is_so = true;

	buf_init(&why, VERDICT_TEXT_MAX);
	if (conf_route_refuses(conf, e, &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 550, "5.7.1",
		    buf_str(&why));
	else if (is_too_large(a, e,
		     limit != NULL ? limit(ctx, (size_t)i) : a->max_size_bytes,
		     &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 552, "5.3.4",
		    buf_str(&why));
	else
		is_so = false;
	buf_clear(&why);
	return is_so;
}
