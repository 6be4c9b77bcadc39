/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/fs_sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int
sys_open(void *ctx, int dirfd, const char *name, int flags, mode_t mode)
{
	(void)ctx;
	return openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

static ssize_t
sys_write(void *ctx, int fd, const void *p, size_t n)
{
	(void)ctx;
	return write(fd, p, n);
}

static ssize_t
sys_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
	(void)ctx;
	return pread(fd, p, n, at);
}

static ssize_t
sys_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
	(void)ctx;
	return pwrite(fd, p, n, at);
}

static int
sys_sync(void *ctx, int fd)
{
	(void)ctx;
	return fsync(fd);
}

static int
sys_sync_all(void *ctx, int fd)
{
	(void)ctx;
	return syncfs(fd);
}

static int
sys_close(void *ctx, int fd)
{
	(void)ctx;
	return close(fd);
}

static int
sys_truncate(void *ctx, int fd, off_t size)
{
	(void)ctx;
	return ftruncate(fd, size);
}

static int
sys_rename(
    void *ctx, int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	(void)ctx;
	return renameat(from_dirfd, from, to_dirfd, to);
}

static int
sys_unlink(void *ctx, int dirfd, const char *name)
{
	(void)ctx;
	return unlinkat(dirfd, name, 0);
}

static int
sys_rmdir(void *ctx, int dirfd, const char *name)
{
	(void)ctx;
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int
sys_mkdir(void *ctx, int dirfd, const char *name, mode_t mode)
{
	(void)ctx;
	return mkdirat(dirfd, name, mode);
}

static int
sys_chmod(void *ctx, int dirfd, const char *name, mode_t mode)
{
	(void)ctx;
	return fchmodat(dirfd, name, mode, 0);
}

static int
sys_lock(void *ctx, int fd)
{
	(void)ctx;
	return flock(fd, LOCK_EX | LOCK_NB);
}

static int
sys_stat(void *ctx, int dirfd, const char *name, struct stat *ret)
{
	(void)ctx;
	return fstatat(dirfd, name, ret, AT_SYMLINK_NOFOLLOW);
}

static int
sys_fstat(void *ctx, int fd, struct stat *ret)
{
	(void)ctx;
	return fstat(fd, ret);
}

static int
sys_space(void *ctx, int dirfd, struct statvfs *ret)
{
	(void)ctx;
	return fstatvfs(dirfd, ret);
}

static int
sys_list(
    void *ctx, int dirfd, bool (*each)(void *arg, const char *name), void *arg)
{
	/* A descriptor of its own: fdopendir() takes it over, and the reading
	 * position must not be shared with the caller's. */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;
	int saved;

	(void)ctx;
	if (dir == NULL) {
		saved = errno;
		if (fd >= 0)
			(void)close(fd); /* only read from */
		errno = saved;
		return -1;
	}
	for (errno = 0; (de = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (!each(arg, de->d_name))
			break;
	}
	saved = de == NULL ? errno : 0;
	(void)closedir(dir); /* only read from */
	errno = saved;
	return saved != 0 ? -1 : 0;
}

const struct fs *
fs_sys(void)
{
	static const struct fs table = {
		.open = sys_open,
		.write = sys_write,
		.pread = sys_pread,
		.pwrite = sys_pwrite,
		.sync = sys_sync,
		.sync_all = sys_sync_all,
		.close = sys_close,
		.truncate = sys_truncate,
		.rename = sys_rename,
		.unlink = sys_unlink,
		.rmdir = sys_rmdir,
		.mkdir = sys_mkdir,
		.chmod = sys_chmod,
		.lock = sys_lock,
		.stat = sys_stat,
		.fstat = sys_fstat,
		.space = sys_space,
		.list = sys_list,
	};

	return &table;
}
