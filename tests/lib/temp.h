/* SPDX-License-Identifier: GPL-3.0-or-later */
/* temp.h - where tests put their files: $TMPDIR, else a place in memory, for
 * nothing here needs a disk. */
#ifndef TESTS_LIB_TEMP_H
#define TESTS_LIB_TEMP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Makes a folder of the caller's own, whose name begins so, and puts its path
 * into to.  Short enough for a socket in it. */
static inline void
temp_dir(char *to, size_t size, const char *name)
{
	const char *place = getenv("TMPDIR");

	if (place == NULL)
		place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	if ((size_t)snprintf(to, size, "%s/%s-XXXXXX", place, name) >= size ||
	    mkdtemp(to) == NULL) {
		perror(to);
		abort();
	}
}

#endif
