/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/file_replace.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/files.h"

static int
sync_folder_of(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : -1;

	if (fd >= 0)
		IGNORE(close(fd)); /* only synced */
	free(copy);
	return rc;
}

int
file_replace(const char *path, struct bytes content, mode_t mode, uid_t uid,
    gid_t gid, struct err *err)
{
	char *real = realpath(path, NULL);
	struct stat st;
	char *temp;
	int fd, rc = -1;

	if (real == NULL)
		real = xstrdup(path); /* does not exist, or open() says why */
	else if (stat(real, &st) == 0 && !S_ISREG(st.st_mode)) {
		/* Root would take /dev/null away from everybody. */
		free(real);
		return err_set(err, ERR_CONFIG,
		    "cannot write %s: not a regular file", path);
	}
	temp = xasprintf("%s.XX"
			 "XX"
			 "XX",
	    real);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err_sys(err, "cannot write %s", path);
		goto out;
	}
	rc = fchown(fd, uid, gid);
	if (rc == 0)
		rc = fchmod(fd, mode);
	if (rc == 0)
		rc = files_write_all(fd, content);
	if (rc == 0)
		rc = fsync(fd);
	if (close(fd) != 0)
		rc = -1;
	if (rc == 0)
		rc = rename(temp, real);
	if (rc != 0) {
		err_sys(err, "cannot write %s", path);
		IGNORE(unlink(temp)); /* an error was reported already */
	} else if (sync_folder_of(real) != 0) {
		rc = err_sys(err, "cannot sync the folder of %s", path);
	}
out:
	free(temp);
	free(real);
	return rc;
}
