/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - gets the access token of an account, and refreshes it if necessary.
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

/* Gets a token for the need of w.  CRED_OK: the caller owns *ret, and *facts is
 * filled; else err says what to do.  Waits for the token server up to
 * OAUTH_HTTP_MS, and for the lock of the token file during the rest of
 * w->timeout_ms. */
enum cred_result oauth_fetch(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err) MUST_CHECK;

/* Replaces the token in t by the one that the answer grants. */
void oauth_take_grant(struct oauth_token *t, const struct oauth_answer *a,
    const struct oauth_now *asked);

#endif
