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

/* Looks up a user.  If there is none, err says how to create it. */
int privilege_find(
    const char *name, struct privilege_user *ret, struct err *err) MUST_CHECK;
/* The user this process runs as; a uid without an entry gets "uid N", "/". */
void privilege_self(struct privilege_user *ret);

/* Disables core dumps and ptrace by others (R32).  For each program that a
 * password or token passes through. */
int privilege_hide_memory(struct err *err) MUST_CHECK;
/* Starts this program again with all calls between libraries bound.  If they
 * are bound later, the dynamic linker saves registers on the stack, and parts
 * of a secret in them stay there.  Returns if they are bound already, or if
 * that is not possible. */
void privilege_bind_calls(char *const *argv);
/* privilege_hide_memory(), umask 077, "/" as the working directory, and
 * descriptors 0, 1 and 2 open. */
int privilege_harden(struct err *err) MUST_CHECK;

/* Raises the limit of descriptors to at least n, as far as the hard limit
 * allows; the soft limit of 1,024 is for programs that use select(2).  Never
 * lowers it. */
void privilege_want_descriptors(size_t n);

/* Becomes this user, with all its groups, and checks that there is no way back
 * (R33).  Does nothing unless started as root. */
int privilege_drop(const struct privilege_user *u, struct err *err) MUST_CHECK;

/* Creates a directory that belongs to this user, if it does not exist.  An
 * ordinary user creates it for itself.  Parents that are missing get mode
 * 0755, a user's own 0700; no umask counts. */
int privilege_make_dir(const char *path, mode_t mode,
    const struct privilege_user *owner, struct err *err) MUST_CHECK;

#endif
