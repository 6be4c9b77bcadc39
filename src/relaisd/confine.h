/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confine.h - restricts the worker to what its configuration needs.
 *
 * It translates the folders and ports that settings name for sys/sandbox.h.
 */
#ifndef RELAISD_CONFINE_H
#define RELAISD_CONFINE_H

#include <stdbool.h>

#include "sys/sandbox.h"

struct conf;

/* In the order of confine_names[]. */
enum confine_kind {
	CONFINE_PRIVILEGES, /* no new privileges */
	CONFINE_FILES, /* Landlock */
	CONFINE_CALLS, /* seccomp */
	CONFINE_KINDS
};
extern const char *const confine_names[CONFINE_KINDS];

struct confine {
	struct sandbox_state states[CONFINE_KINDS];
	struct confine_needs {
		char **reads; /* NULL behind the last */
		int *ports;
		size_t nreads, nports;
		enum sandbox_database database;
	} has; /* what is allowed */
	int seccomp; /* the setting */
	/* why nothing is denied; NULL: everything else is */
	const char *why_not;
};

/* Nothing is denied in a process that is alone or in a build with sanitizers;
 * the next three functions then do nothing. */
void confine_init(struct confine *c, bool is_alone);
bool confine_is_wanted(const struct confine *c);
/* Denies io_uring to libuv (sandbox_no_io_uring()).  Before the event loop is
 * made. */
void confine_loop(const struct confine *c, const struct conf *conf);
/* Applies Landlock.  Before the first thread of the process. */
void confine_files(struct confine *c, const struct conf *conf);
/* Applies seccomp.  After the last thread has been started. */
void confine_calls(struct confine *c, const struct conf *conf);
/* Logs which protections are not in force, and why. */
void confine_complain(const struct confine *c);
/* True: this configuration needs a file or a port that is denied. */
bool confine_is_outgrown(const struct confine *c, const struct conf *conf);
void confine_clear(struct confine *c);

#endif
