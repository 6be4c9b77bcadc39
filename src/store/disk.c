/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/disk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/must.h"

enum { SET_ASIDE_MAX = 64, SET_ASIDE_TRIES = 10 };

int
disk_err(struct err *err, const char *what, const char *name)
{
	err_sys(err, "%s %s", what, name);
	if (err != NULL)
		err->class = ERR_DISK;
	return -1;
}

void
disk_close(const struct fs *fs, int fd)
{
	int saved = errno;

	if (fd >= 0)
		IGNORE(fs->close(fs->ctx, fd));
	errno = saved;
}

int
disk_sync_close(const struct fs *fs, int fd)
{
	if (fs->sync(fs->ctx, fd) != 0) {
		disk_close(fs, fd);
		return -1;
	}
	/* Some file systems report a failed write only here (R45). */
	return fs->close(fs->ctx, fd);
}

/* to -1: where the file's own position is. */
static int
write_at(const struct fs *fs, int fd, const char *p, size_t n, off_t to)
{
	while (n > 0) {
		ssize_t w = to < 0 ? fs->write(fs->ctx, fd, p, n)
				   : fs->pwrite(fs->ctx, fd, p, n, to);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		p += w;
		n -= (size_t)w;
		if (to >= 0)
			to += w;
	}
	return 0;
}

int
disk_write(const struct fs *fs, int fd, const void *p, size_t n)
{
	return write_at(fs, fd, p, n, -1);
}

int
disk_pwrite(const struct fs *fs, int fd, const void *p, size_t n, off_t to)
{
	return write_at(fs, fd, p, n, to);
}

ssize_t
disk_pread(const struct fs *fs, int fd, void *p, size_t n, uint64_t from)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = fs->pread(fs->ctx, fd, (char *)p + have, n - have,
		    (off_t)(from + have));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

int
disk_set_aside(
    const struct fs *fs, int dir, const char *path, int to, const char *name)
{
	char free_name[SET_ASIDE_MAX];
	struct stat st;

	(void)snprintf(free_name, sizeof(free_name), "%s", name);
	for (int i = 1; i < SET_ASIDE_TRIES; i++) {
		if (fs->stat(fs->ctx, to, free_name, &st) != 0)
			return fs->rename(fs->ctx, dir, path, to, free_name);
		(void)snprintf(free_name, sizeof(free_name), "%s.%d", name, i);
	}
	errno = EEXIST;
	return -1;
}
