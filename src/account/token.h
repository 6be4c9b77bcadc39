/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.h - what an account knows of its OAuth2 token, and whether a refused
 * token may be replaced.
 *
 * A refusal does not say why: the token may be revoked, have expired early, or
 * be for another scope or user.  So the token is replaced once, and a new
 * connection tries the new one; only if that is refused as well must a person
 * act.  At most one token is replaced in TOKEN_RENEW_MS.
 *
 * A value without I/O.
 */
#ifndef ACCOUNT_TOKEN_H
#define ACCOUNT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "cred/cred.h"
#include "mail/verdict.h"

enum {
	TOKEN_RENEW_MS = 5 * 60 * 1000,
	/* how often to refresh an unused sign-in */
	TOKEN_KEEP_MS = 24 * 60 * 60 * 1000,
	/* when to warn before a sign-in ends */
	TOKEN_WARN_S = 10 * 24 * 60 * 60
};

struct token {
	struct cred_facts facts; /* serial 0: nothing is known */
	bool is_refused; /* the token of these facts was refused */
	int64_t renewed_ms; /* boot clock; 0: never */
};

/* What to fetch before a login: another token if the present one was
 * refused. */
struct cred_wish token_wish(const struct token *t);
/* A token was fetched.  Facts without a serial change nothing. */
void token_heard(struct token *t, const struct cred_facts *f);
/* The server refused the token with v.  True: another token should be tried. */
bool token_may_renew(struct token *t, const struct verdict *v, int64_t now_ms);
/* Days until the sign-in ends by disuse, if that is soon; else -1. */
int64_t token_days_left(const struct token *t, int64_t now_s);
/* True: v is about the login, but another token would not help (Microsoft's
 * reply for a mailbox that may not use SMTP AUTH). */
bool token_is_beside_the_point(const struct verdict *v);

#endif
