/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diskfault.c - a library to preload into relaisd, so that one kind of disk
 * call fails with EIO in the real daemon, and works again when the test says
 * so.
 *
 * DISKFAULT names a file of two bytes that both sides have open:
 *
 *	kind	w  writing to a file	c  closing a file that was written to
 *		s  syncing a file	d  syncing a folder	-  none
 *		u  removing a file, l  locking one: takes long instead
 *	every	'1': each such call fails; '3': every third
 *		of u: tenths of a second; of l: seconds
 *
 * strace(1) can do part of this, but it cannot tell a file from a folder or a
 * socket, and a close that it makes fail leaves the descriptor open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile char *fault = "-1";
static atomic_uint count;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("DISKFAULT");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	const char *p;

	if (fd < 0)
		return;
	p = mmap(NULL, 2, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		fault = p;
	(void)close(fd);
}

/* The log is none of the spool's files. */
static bool
fails(char kind, int fd, mode_t type)
{
	struct stat st;

	if (fault[0] != kind || fd <= STDERR_FILENO || fstat(fd, &st) != 0 ||
	    (st.st_mode & S_IFMT) != type)
		return false;
	return ++count % (unsigned)(fault[1] - '0') == 0;
}

static int
fail(void)
{
	errno = EIO;
	return -1;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (fails('w', fd, S_IFREG))
		return fail();
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	if (fails('w', fd, S_IFREG))
		return fail();
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

int
fsync(int fd)
{
	if (fails('s', fd, S_IFREG) || fails('d', fd, S_IFDIR))
		return fail();
	return (int)syscall(SYS_fsync, fd);
}

/* As a disk does, whatever signals come. */
static void
take_long(char kind, long each_ms)
{
	long ms = (fault[1] - '0') * each_ms;
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (fault[0] == kind && nanosleep(&left, &left) != 0)
		;
}

int
flock(int fd, int how)
{
	take_long('l', 1000);
	return (int)syscall(SYS_flock, fd, how);
}

int
unlinkat(int dirfd, const char *name, int flags)
{
	take_long('u', 100);
	return (int)syscall(SYS_unlinkat, dirfd, name, flags);
}

int
close(int fd)
{
	bool is_bad = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY &&
		      fails('c', fd, S_IFREG);
	int rc = (int)syscall(SYS_close, fd);

	return is_bad ? fail() : rc;
}
