/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_login.h - the verb login: passes the lines of a sign-in between
 * relais-cred, which conducts it, and the person at the terminal.
 *
 * The tokens stay in relais-cred; the daemon sees only what the person sees.
 */
#ifndef RELAISD_CONTROL_LOGIN_H
#define RELAISD_CONTROL_LOGIN_H

#include <stddef.h>

#include "base/err.h"

struct conf;
struct ctl_call;
struct loop;

struct control_login_opts {
	struct loop *loop;
	struct conf *conf;
	size_t account; /* index in conf */
	int handle; /* and its handle */
	/* As in struct control_opts. */
	int (*start)(void *ctx, const struct conf *conf, size_t account,
	    const char *flow, struct err *err);
	void *start_ctx;
	void (*done)(void *ctx, int handle); /* a person has signed in */
	void *done_ctx;
};

/* Runs one step of the verb; opts is used in the first step. */
void control_login_run(
    struct ctl_call *call, const struct control_login_opts *opts);

#endif
