/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - the access token of an account, refreshed if need be.
 *
 * Linked into relais-cred only.  Blocks.
 */
#ifndef RELAIS_CRED_OAUTH_H
#define RELAIS_CRED_OAUTH_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;
struct oauth_token;
struct oauth_answer;
struct oauth_now;

/* By what w needs it for.  CRED_OK: *ret is the caller's, and *facts is filled;
 * else err says what helps.  Waits for the token server up to OAUTH_HTTP_MS,
 * and for the lock of the token file during the rest of w->timeout_ms. */
enum cred_result oauth_fetch(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err) MUST_CHECK;

/* The token that an answer grants takes the place of the one in t. */
void oauth_take_grant(struct oauth_token *t, const struct oauth_answer *a,
    const struct oauth_now *asked);

#endif
