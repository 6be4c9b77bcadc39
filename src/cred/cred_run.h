/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_run.h - runs a child process that prints a secret.
 *
 * The child has no shell, no terminal (it runs in a session of its own),
 * default signal handling, and only descriptors 0 to 2.  Its output goes into a
 * buffer that is wiped.  After the deadline the child and everything it started
 * in its session is killed.
 *
 * Blocks until the child has ended.
 */
#ifndef CRED_CRED_RUN_H
#define CRED_CRED_RUN_H

#include <stdint.h>

#include "base/buf.h"

enum cred_ran {
	CRED_RAN_EXITED, /* code is its exit status */
	CRED_RAN_KILLED, /* code is the signal */
	CRED_RAN_TIMEOUT,
	CRED_RAN_NOT /* could not be started; code is errno */
};

struct cred_run {
	char *const *argv; /* argv[0] is looked up in our own PATH */
	char *const *envp;
	struct bytes input; /* its standard input; empty: /dev/null */
	int64_t timeout_ms;
	/* Filled in by cred_run(); cred_run_clear() in any case. */
	struct buf out, err; /* its output and errors, up to their maximum */
	int code;
};

void cred_run_init(struct cred_run *r);
enum cred_ran cred_run(struct cred_run *r);
/* The same, but its output and errors go to talk, which still belongs to the
 * caller; processes that the child leaves behind continue to use it.  No
 * deadline. */
enum cred_ran cred_run_over(struct cred_run *r, int talk);
void cred_run_clear(struct cred_run *r);

#endif
