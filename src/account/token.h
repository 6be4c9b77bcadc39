/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.h - what an account knows of the token it signed in for, and whether a
 * refused one may be replaced.
 *
 * A server's no to a token does not say why: it may be revoked, have ended
 * early, be for another scope or another user.  So it is replaced once, and a
 * new connection tries the new one; only if that is refused as well must a
 * person act.  TOKEN_RENEW_MS keeps this from becoming a habit.
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
	TOKEN_KEEP_MS = 24 * 60 * 60 * 1000, /* how often to look after it */
	TOKEN_WARN_S = 10 * 24 * 60 * 60 /* before a sign-in ends */
};

struct token {
	struct cred_facts facts; /* serial 0: nothing is known */
	bool is_refused; /* the one of the facts */
	int64_t renewed_ms; /* boot clock; 0: never */
};

/* What to ask for before a login: another token if this one was refused. */
struct cred_wish token_wish(const struct token *t);
/* One was fetched; facts without a serial say nothing. */
void token_heard(struct token *t, const struct cred_facts *f);
/* The server refused the token with v.  True: another one is to be tried. */
bool token_may_renew(struct token *t, const struct verdict *v, int64_t now_ms);
/* Days until the sign-in ends by disuse, if that is near; else -1. */
int64_t token_days_left(const struct token *t, int64_t now_s);
/* Is it about the login, and would another token change nothing?  What
 * Microsoft says of a mailbox that may not use SMTP AUTH. */
bool token_is_beside_the_point(const struct verdict *v);

#endif
