/* SPDX-License-Identifier: GPL-3.0-or-later */
/* privilege.h - drops root privileges permanently, and disables core dumps.
 *
 * Blocks on the user database only.
 */
#ifndef SYS_PRIVILEGE_H
#define SYS_PRIVILEGE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/must.h"

struct privilege_user {
	uid_t uid;
	gid_t gid;
	char home[256];
	char name[64];
};

/* The sentence says how to create the user if there is none. */
int privilege_find(
    const char *name, struct privilege_user *ret, struct err *err) MUST_CHECK;
/* The user this process runs as; a uid without an entry gets "uid N", "/". */
void privilege_self(struct privilege_user *ret);

/* No core dumps, no ptrace by others (R32): for each program that a password or
 * token passes through. */
int privilege_hide_memory(struct err *err) MUST_CHECK;
/* Starts this program once more with all calls between libraries bound: when
 * one is bound later, the dynamic linker saves registers to the stack, and a
 * piece of a secret in them stays there.  Returns when that is so, or cannot be
 * done. */
void privilege_bind_calls(char *const *argv);
/* That, umask 077, root directory as the working directory, descriptors 0, 1
 * and 2 open. */
int privilege_harden(struct err *err) MUST_CHECK;

/* At least so many descriptors, as far as the hard limit allows: the soft one
 * of 1,024 is for programs that use select(2).  Never lowers it. */
void privilege_want_descriptors(size_t n);

/* Becomes this user, all groups included, and makes sure that the way back is
 * shut (R33).  Only when started as root; else it does nothing. */
int privilege_drop(const struct privilege_user *u, struct err *err) MUST_CHECK;

/* Makes a directory, and its owner this user, if it is not there yet.  As an
 * ordinary user it is made for oneself, parents included. */
int privilege_make_dir(const char *path, mode_t mode,
    const struct privilege_user *owner, struct err *err) MUST_CHECK;

#endif
