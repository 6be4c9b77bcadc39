/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - the access token of an account, refreshed if need be.
 *
 * Linked into relais-cred only.  Blocks.
 */
#ifndef RELAIS_CRED_OAUTH_H
#define RELAIS_CRED_OAUTH_H

#include "base/must.h"
#include "cred/cred.h"
#include "cred/cred_oauth.h"

struct cred_wire;
struct buf;
struct oauth_token;
struct oauth_store;
struct oauth_reply;
struct oauth_answer;
struct oauth_now;

enum cred_result oauth_fetch(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err) MUST_CHECK;

/* --- shared with oauth_login.c -------------------------------------------- */

int oauth_open(const struct cred_wire *w, int64_t wait_ms,
    struct oauth_store **ret, struct err *err) MUST_CHECK;
/* The path of what is named by one of two settings: a file, or a credential of
 * the service manager.  To be freed; NULL: neither is set. */
int oauth_secret_path(const struct cred_wire *w, enum cred_oauth_key file,
    enum cred_oauth_key credential, char **ret, struct err *err) MUST_CHECK;
/* Adds client_id and, if there is one, client_secret. */
enum cred_result oauth_add_client(
    struct buf *form, const struct cred_wire *w, struct err *err) MUST_CHECK;
/* The token that an answer grants takes the place of the one in t. */
void oauth_take_grant(struct oauth_token *t, const struct oauth_answer *a,
    const struct oauth_now *asked);

/* oauth_jwt.c: RFC 7523, signed with RS256; ahead_s corrects our clock. */
enum cred_result oauth_jwt(const struct cred_wire *w, int64_t now_s,
    struct buf *to, struct err *err) MUST_CHECK;

#endif
