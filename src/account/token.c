/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/token.h"

#include <string.h>

struct cred_wish
token_wish(const struct token *t)
{
	return (struct cred_wish) { t->is_refused ? CRED_FRESH : CRED_USE,
		t->is_refused ? t->facts.serial : 0 };
}

void
token_heard(struct token *t, const struct cred_facts *f)
{
	if (f->serial == 0)
		return;
	if (f->serial != t->facts.serial)
		t->is_refused = false;
	t->facts = *f;
}

bool
token_is_beside_the_point(const struct verdict *v)
{
	return strcmp(v->enhanced, "5.7.139") == 0 ||
	       strcmp(v->enhanced, "5.7.30") == 0;
}

bool
token_may_renew(struct token *t, const struct verdict *v, int64_t now_ms)
{
	if (t->facts.serial == 0 || v->code < 500 ||
	    token_is_beside_the_point(v) ||
	    (t->renewed_ms != 0 && now_ms - t->renewed_ms < TOKEN_RENEW_MS))
		return false;
	t->is_refused = true;
	t->renewed_ms = now_ms;
	return true;
}

int64_t
token_days_left(const struct token *t, int64_t now_s)
{
	int64_t left_s = t->facts.ends_s - now_s;

	if (t->facts.ends_s == 0 || left_s > TOKEN_WARN_S)
		return -1;
	return left_s > 0 ? left_s / 86400 : 0;
}
