/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_helper.h - the daemon's side of relais-cred.
 *
 * Blocks until the helper has ended, at most two seconds longer than the time
 * that the request allows.
 */
#ifndef CRED_CRED_HELPER_H
#define CRED_CRED_HELPER_H

#include "base/must.h"
#include "cred/cred.h"

/* A person signs in (CRED_OAUTH): starts the helper, which holds its
 * conversation (cred_wire.h) over talk, a socket that still belongs to the
 * caller.  flow: one that cred_oauth.h has; NULL: that of the account.  The
 * helper lives on, as no child of ours, until the conversation ends. */
int cred_helper_sign_in(const struct cred_request *rq,
    const struct cred_env *env, const char *flow, int talk,
    struct err *err) MUST_CHECK;

/* Fetches a secret.  As cred_fetch(). */
enum cred_result cred_helper_ask(const struct cred_request *rq,
    const struct cred_env *env, struct secret **ret,
    struct err *err) MUST_CHECK;

#endif
