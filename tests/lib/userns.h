/* SPDX-License-Identifier: GPL-3.0-or-later */
/* userns.h - a user namespace as systemd makes for a unit of a user. */
#ifndef TESTS_LIB_USERNS_H
#define TESTS_LIB_USERNS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/userns.h"

/* For a child of root's: it becomes uid, in a namespace with nobody else.
 * False if this machine does not let it. */
static inline bool
enter_own_userns(uid_t uid)
{
	char line[64];
	int fd, n;
	bool is_good;

	if (setuid(uid) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 ||
	    unshare(CLONE_NEWUSER) != 0)
		return false;
	n = snprintf(
	    line, sizeof(line), "%u %u 1", (unsigned)uid, (unsigned)uid);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	is_good = fd >= 0 && write(fd, line, (size_t)n) == n;
	if (fd >= 0)
		(void)close(fd);
	userns_look();
	return is_good;
}

#endif
