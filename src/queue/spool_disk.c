/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "queue/spool_core.h"

enum { CORRUPT_TRIES = 10 };

int
disk_err(struct err *err, const char *what, const char *name)
{
	err_sys(err, "%s %s", what, name);
	if (err != NULL)
		err->class = ERR_DISK;
	return -1;
}

int
disk_open(struct spool *s, int dirfd, const char *name, int flags)
{
	return s->fs->open(s->fs->ctx, dirfd, name, flags, 0600);
}

void
disk_close(struct spool *s, int fd)
{
	int saved = errno;

	if (fd >= 0)
		IGNORE(s->fs->close(s->fs->ctx, fd));
	errno = saved;
}

int
disk_write(struct spool *s, int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = s->fs->write(s->fs->ctx, fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int
disk_pwrite(struct spool *s, int fd, const void *p, size_t n, off_t to)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = s->fs->pwrite(s->fs->ctx, fd, at, n, to);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		at += w;
		to += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t
disk_pread(struct spool *s, int fd, void *p, size_t n, uint64_t from)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = s->fs->pread(s->fs->ctx, fd, (char *)p + have,
		    n - have, (off_t)(from + have));

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

void
spool_path(enum spool_place place, const char *id, char ret[SPOOL_PATH_SIZE])
{
	static const char *const names[] = {
		[SPOOL_FAILED] = "failed", [SPOOL_CORRUPT] = "corrupt"
	};
	char folder[QID_FOLDER_SIZE];

	if (place == SPOOL_QUEUE) {
		qid_folder(id, folder);
		(void)snprintf(ret, SPOOL_PATH_SIZE, "queue/%s/%s", folder, id);
	} else {
		(void)snprintf(ret, SPOOL_PATH_SIZE, "%s/%s", names[place], id);
	}
}

int
disk_sync_close(struct spool *s, int fd)
{
	if (s->fs->sync(s->fs->ctx, fd) != 0) {
		disk_close(s, fd);
		return -1;
	}
	/* Some file systems report a failed write only here (R45). */
	return s->fs->close(s->fs->ctx, fd);
}

int
spool_corrupt_path(struct spool *s, const char *id, char ret[SPOOL_PATH_SIZE])
{
	struct stat st;

	spool_path(SPOOL_CORRUPT, id, ret);
	for (int i = 1; i < CORRUPT_TRIES; i++) {
		if (s->fs->stat(s->fs->ctx, s->fd, ret, &st) != 0)
			return 0;
		(void)snprintf(ret, SPOOL_PATH_SIZE, "corrupt/%s.%d", id, i);
	}
	errno = EEXIST;
	return -1;
}
