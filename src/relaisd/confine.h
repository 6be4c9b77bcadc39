/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confine.h - what the worker may do, by its configuration, and nothing else.
 *
 * It says to sys/sandbox.h which folders and ports the settings name.
 */
#ifndef RELAISD_CONFINE_H
#define RELAISD_CONFINE_H

#include <stdbool.h>

#include "sys/sandbox.h"

struct conf;

/* In the order of their names in `relais status'. */
enum confine_kind {
	CONFINE_PRIVILEGES, /* no new ones */
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
	int seccomp; /* as it was set */
	const char *why_not; /* why nothing is denied; NULL: all of this is */
};

/* Nothing is denied to a process that is alone, nor in a build with sanitizers:
 * then the next three do nothing. */
void confine_init(struct confine *c, bool is_alone);
bool confine_is_wanted(const struct confine *c);
/* Denies io_uring to libuv (sandbox_no_io_uring()): before the event loop is
 * made. */
void confine_loop(const struct confine *c, const struct conf *conf);
/* Before the first thread of the process; files behind. */
void confine_files(struct confine *c, const struct conf *conf);
/* When no thread will be started any more. */
void confine_calls(struct confine *c, const struct conf *conf);
/* Logs what does not hold, and why. */
void confine_complain(const struct confine *c);
/* This configuration needs a file or a port that is denied. */
bool confine_is_outgrown(const struct confine *c, const struct conf *conf);
void confine_clear(struct confine *c);

#endif
