/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox.h - makes the kernel deny this process what it does not need,
 * permanently.
 *
 * There are two protections, each as far as the kernel and the build support
 * it:
 *
 *  Landlock   files outside the given folders, other TCP ports, binding a
 *             port, signals to other processes.  Before the first thread.
 *  seccomp    system calls.  What is listed is allowed; what is never right
 *             (starting a program or process, tracing, executable memory,
 *             keys, io_uring) ends the process; every other call fails with
 *             ENOSYS, so that a C library that wants something new may do
 *             without.
 *             After the last thread has been started.
 *
 * Neither needs a privilege.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a protection is in force, and one sentence about it. */
struct sandbox_state {
	bool holds;
	char text[160];
};

/* The process and its children get no new privileges by executing a file; the
 * functions below need this. */
void sandbox_no_new_privileges(struct sandbox_state *ret);

/* Makes io_uring_setup(2) fail.  Before the event loop is made: libuv 1.45 and
 * newer try this call, with no setting to prevent it, and for the use of a ring
 * the filter below would end the process. */
void sandbox_no_io_uring(void);

struct sandbox_files {
	/* NULL at the end; a path that does not exist is left out. */
	const char *const *writable; /* folders, with everything below */
	/* files, or folders with everything below */
	const char *const *readable;
	const int *ports; /* TCP ports to connect to */
	size_t nports;
};
void sandbox_landlock(const struct sandbox_files *f, struct sandbox_state *ret);

/* What a database library may do in addition. */
enum sandbox_database {
	SANDBOX_NO_DATABASE,
	SANDBOX_DATABASE, /* over TCP */
	SANDBOX_DATABASE_UNIX /* over a Unix socket, too */
};
/* is_log: denies nothing; the kernel's log names what would be denied. */
void sandbox_seccomp(
    bool is_log, enum sandbox_database db, struct sandbox_state *ret);

/* For a test: writes the system calls that the filter allows on another
 * architecture, one a line.  arch: libseccomp's name for it.  -1: no such
 * architecture, or no libseccomp. */
int sandbox_seccomp_list(const char *arch, char *to, size_t size);

#endif
