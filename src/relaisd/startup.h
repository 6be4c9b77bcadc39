/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.h - what relaisd finds around it when it starts, and what it does as
 * root.
 *
 * Also the reading of the configuration, at the start and at a reload: both
 * need what was found.  Logs each problem.
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
	char *file; /* absolute, for we leave the folder we start in */
	struct privilege_user user;
	struct cred_env cred;
	struct conf_vars *vars; /* NULL: they do not count */
	struct conf_copy copy; /* for the worker; not with one process */
	int64_t watchdog_ms; /* of listen.h; found by startup_bind() */
	pid_t keeper; /* in the worker: the process it must not outlive */
};

/* Borrows args. */
void startup_find(struct startup *s, const struct daemon_args *args);
/* For the worker: drops the secrets among what was found. */
void startup_forget(struct startup *s);
void startup_clear(struct startup *s);

/* NULL: every problem has been logged; err has the first one. */
struct conf *startup_load(struct startup *s, struct err *err);
/* --check: EX_OK or EX_CONFIG. */
int startup_check(const struct startup *s, const struct conf *conf);

/* The sockets, bound; a lock that says that this relaisd has the spool. */
struct startup_bound {
	struct sockets sockets;
	int control_fd;
	int spool_fd; /* -1: the folder cannot be opened; that will be told */
};
/* Everything that needs root, done before the first byte is read.  Waits while
 * a worker whose keeper died finishes what is under way. */
int startup_bind(struct startup *s, const struct conf *conf,
    struct startup_bound *ret, struct err *err);

/* "auto": where the program was started says it. */
int startup_open_log(
    const struct startup *s, const struct conf *conf, struct err *err);

/* The new configuration, with its listeners open.  NULL: what is wrong with it
 * has been logged, and nothing changes. */
struct conf *startup_reload(struct startup *s, struct startup_bound *bound,
    const struct conf *in_force, struct err *err);

/* A client and its draft on the disk, and all the rest. */
size_t startup_descriptors(const struct conf *conf);

/* The exit status, as relaisd(8) has it.  A service manager may try again after
 * all but a wrong configuration. */
int startup_status(const struct err *err);

/* SIGHUP ends a process that does not expect it.  A SIGHUP during the start is
 * blocked (SIG_BLOCK) and becomes a reload once the daemon is up. */
void startup_let_reload(int how);

/* Reports to the log, the service manager and report_fd (background.h; -1:
 * none) that the daemon is up.  Called once, by the process that knows it. */
void startup_tell(
    const struct startup *s, const struct conf *conf, int report_fd);

#endif
