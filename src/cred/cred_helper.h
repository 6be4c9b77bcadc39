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

enum cred_result cred_helper_ask(const struct cred_request *rq,
    const struct cred_env *env, struct secret **ret,
    struct err *err) MUST_CHECK;

#endif
