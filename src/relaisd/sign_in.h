/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sign_in.h - the verb login: passes the lines of a sign-in between relais-cred,
 * which holds it, and the person, who types.
 *
 * The tokens stay in relais-cred; the daemon sees only what the person sees.
 */
#ifndef RELAISD_SIGN_IN_H
#define RELAISD_SIGN_IN_H

#include <sys/types.h>

#include "base/err.h"

struct ctl_call;
struct loop;

/* Starts the helper with talk as its side of the conversation, which stays the
 * caller's; *ret_pid is to be waited for, 0: somebody else does. */
typedef int sign_in_start(
    void *ctx, const char *flow, int talk, pid_t *ret_pid, struct err *err);

/* At each run of the verb.  start is called in the first one, with ctx; done in
 * the last, if somebody has signed in. */
void sign_in_run(struct ctl_call *call, struct loop *loop, sign_in_start *start,
    void *ctx, void (*done)(void *ctx));

#endif
