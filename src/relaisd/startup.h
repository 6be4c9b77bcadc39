/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.h - finds the surroundings of relaisd, and does what needs root.
 *
 * Also loads the configuration, at the start and at a reload, because both need
 * the surroundings.  Logs each problem.  Blocks.
 */
#ifndef RELAISD_STARTUP_H
#define RELAISD_STARTUP_H

#include "conf/conf.h"
#include "cred/cred.h"
#include "relaisd/daemon.h"
#include "relaisd/sockets.h"
#include "sys/privilege.h"

struct startup {
	const struct daemon_args *args;
	struct conf_env env;
	struct conf_paths paths;
	char hostname[256];
	char *file; /* absolute, because the working directory changes */
	struct privilege_user user;
	struct cred_env cred;
	struct conf_vars *vars; /* NULL: not used */
	struct conf_copy copy; /* for the worker; not used with one process */
	int64_t watchdog_ms; /* of listen.h; found by startup_bind() */
	pid_t keeper; /* in the worker: the keeper, which it must not outlive */
};

/* Borrows args. */
void startup_find(struct startup *s, const struct daemon_args *args);
/* In the worker: drops the secrets that were found. */
void startup_forget(struct startup *s);
void startup_clear(struct startup *s);

/* Loads the configuration.  NULL: every problem was logged, and err has the
 * first one. */
struct conf *startup_load(struct startup *s, struct err *err);
/* --check: EX_OK or EX_CONFIG. */
int startup_check(const struct startup *s, const struct conf *conf);

/* The bound sockets, and a lock that reserves the spool for this relaisd. */
struct startup_bound {
	struct sockets sockets;
	int control_fd;
	/* -1: the folder cannot be opened, which is reported later */
	int spool_fd;
};
/* Does everything that needs root, before the first byte is read.  Waits while
 * a worker whose keeper died finishes what is in progress. */
int startup_bind(struct startup *s, const struct conf *conf,
    struct startup_bound *ret, struct err *err);

/* Opens the log; for "auto" the destination depends on how the program was
 * started. */
int startup_open_log(
    const struct startup *s, const struct conf *conf, struct err *err);

/* Loads the configuration again and opens its listeners.  NULL: the problems
 * were logged, and nothing changes. */
struct conf *startup_reload(struct startup *s, struct startup_bound *bound,
    const struct conf *in_force, struct err *err);

/* How many descriptors are needed: for each client and its draft, and
 * everything else. */
size_t startup_descriptors(const struct conf *conf);

/* The exit status for this error (relaisd(8)).  A service manager may try again
 * after any status but that of an invalid configuration. */
int startup_status(const struct err *err);

/* SIGHUP ends a process that does not expect it.  A SIGHUP during the start is
 * blocked (SIG_BLOCK) and becomes a reload once the daemon is up. */
void startup_let_reload(int how);

/* Reports to the log, the service manager and report_fd (background.h; -1:
 * none) that the daemon is up.  Called once, by the process that knows it. */
void startup_tell(
    const struct startup *s, const struct conf *conf, int report_fd);

#endif
