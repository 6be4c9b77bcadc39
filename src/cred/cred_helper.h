/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_helper.h - the daemon's side of relais-cred.
 *
 * Blocks until the helper is gone, at most two seconds longer than the time
 * the request gives it.
 */
#ifndef CRED_CRED_HELPER_H
#define CRED_CRED_HELPER_H

#include "base/must.h"
#include "cred/cred.h"

/* A person signs in (CRED_OAUTH): starts the helper, which holds its
 * conversation (cred_wire.h) over talk, a socket that stays the caller's.
 * flow: of cred_oauth.h, instead of the account's; NULL: that.  The helper
 * lives on, as nobody's child, until the conversation ends. */
int cred_helper_sign_in(const struct cred_request *rq,
    const struct cred_env *env, const char *flow, int talk,
    struct err *err) MUST_CHECK;

enum cred_result cred_helper_ask(const struct cred_request *rq,
    const struct cred_env *env, struct secret **ret,
    struct err *err) MUST_CHECK;

#endif
