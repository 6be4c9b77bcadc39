/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox.h - what the kernel denies this process from now on, for good.
 *
 * Two protections, each as far as the kernel and the build have it:
 *
 *   Landlock   files outside the given folders, other TCP ports, binding a
 *              port, signals to other processes.  Before the first thread.
 *   seccomp    system calls.  What is listed is allowed; what is never right
 *              (starting a program or process, tracing, executable memory,
 *              keys, io_uring) ends the process; every other call fails with
 *              ENOSYS, so that a C library that wants something new may do
 *              without.
 *              After the last thread has been started.
 *
 * Neither needs a right.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Why a protection does not hold, or that it does: one sentence. */
struct sandbox_state {
	bool holds;
	char text[160];
};

/* The process and its children get no new rights by executing a file; all of
 * the below needs that. */
void sandbox_no_new_privileges(struct sandbox_state *ret);

/* io_uring_setup(2) fails from now on.  Before an event loop of libuv 1.45 or
 * newer, which tries it and does without; no setting makes it leave that alone,
 * and for its use of a ring the filter below would end the process. */
void sandbox_no_io_uring(void);

struct sandbox_files {
	/* Ended by NULL; a path that does not exist is left out. */
	const char *const *writable; /* folders, with what is below */
	const char *const *readable; /* files, or folders with what is below */
	const int *ports; /* of TCP, to connect to */
	size_t nports;
};
void sandbox_landlock(const struct sandbox_files *f, struct sandbox_state *ret);

/* What the library of a database does and nobody else may. */
enum sandbox_database {
	SANDBOX_NO_DATABASE,
	SANDBOX_DATABASE, /* over TCP */
	SANDBOX_DATABASE_UNIX /* over a Unix socket, too */
};
/* is_log: nothing is denied, and the kernel's log names what would be. */
void sandbox_seccomp(
    bool is_log, enum sandbox_database db, struct sandbox_state *ret);

/* The filter of another machine, for a test: writes the list of system calls
 * that are allowed there, one a line.  arch: as libseccomp names it.  -1: no
 * such architecture, or no libseccomp. */
int sandbox_seccomp_list(const char *arch, char *to, size_t size);

#endif
