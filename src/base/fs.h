/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fs.h - the disk calls of the spool, as a table of functions.
 *
 * Every access to the spool goes through one struct fs, so that a test can make
 * the Nth call fail, record the order of calls, or stop the program there.  The
 * real one is sys/fs_sys.h.  The calls have the meaning, the return values and
 * the errno of their POSIX namesakes; all names are relative to a directory
 * descriptor, nothing follows a symbolic link, every descriptor is
 * close-on-exec.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;
struct statvfs;

struct fs {
	/* flags as open(2); O_NOFOLLOW and O_CLOEXEC are added. */
	int (*open)(
	    void *ctx, int dirfd, const char *name, int flags, mode_t mode);
	ssize_t (*write)(void *ctx, int fd, const void *p, size_t n);
	ssize_t (*pread)(void *ctx, int fd, void *p, size_t n, off_t at);
	ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, off_t at);
	int (*sync)(void *ctx, int fd); /* data and what finds it: fsync */
	int (*sync_all)(void *ctx, int fd); /* its file system: syncfs */
	int (*close)(void *ctx, int fd);
	int (*truncate)(void *ctx, int fd, off_t size);
	int (*rename)(void *ctx, int from_dirfd, const char *from, int to_dirfd,
	    const char *to);
	int (*unlink)(void *ctx, int dirfd, const char *name);
	int (*rmdir)(void *ctx, int dirfd, const char *name);
	int (*mkdir)(void *ctx, int dirfd, const char *name, mode_t mode);
	int (*chmod)(void *ctx, int dirfd, const char *name, mode_t mode);
	int (*lock)(void *ctx, int fd); /* EWOULDBLOCK: somebody has it */
	int (*stat)(void *ctx, int dirfd, const char *name, struct stat *ret);
	int (*fstat)(void *ctx, int fd, struct stat *ret);
	int (*space)(void *ctx, int dirfd, struct statvfs *ret);
	/* Calls each(arg, name) for every entry but "." and ".." until it
	 * returns false; -1 and errno if the directory cannot be read. */
	int (*list)(void *ctx, int dirfd,
	    bool (*each)(void *arg, const char *name), void *arg);
	void *ctx;
};

#endif
