/* SPDX-License-Identifier: GPL-3.0-or-later */
/* temp.h - where tests put their files: $TMPDIR, else a place in memory, for
 * nothing here needs a disk. */
#ifndef TESTS_LIB_TEMP_H
#define TESTS_LIB_TEMP_H

#include <ftw.h>
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

static inline int
temp_remove_it(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

/* The folder, and all that is in it. */
static inline void
temp_dir_remove(const char *path)
{
	(void)nftw(path, temp_remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
