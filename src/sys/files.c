/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4096 };

static struct {
	int (*way)(void *ctx, const char *path);
	void *ctx;
} other;

int
files_open(const char *path, int flags, mode_t mode)
{
	if (other.way != NULL) {
		int fd = other.way(other.ctx, path);

		if (fd >= 0 || errno != ENOSYS)
			return fd;
	}
	return open(path, flags | O_CLOEXEC, mode);
}

/* 0, or errno. */
static int
check_regular(int fd, off_t max)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	return st.st_size > max ? EFBIG : 0;
}

static int
open_up_to(const char *path, off_t max)
{
	int fd = files_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	int os = fd >= 0 ? check_regular(fd, max) : 0;

	if (os == 0)
		return fd;
	(void)close(fd); /* only read */
	errno = os;
	return -1;
}

int
files_open_regular(const char *path)
{
	return open_up_to(path, INT64_MAX);
}

FILE *
files_read(const char *path)
{
	int fd = open_up_to(path, FILES_READ_MAX);
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (f == NULL)
		(void)close(fd); /* no memory */
	return f;
}

const char *
files_reason(int os)
{
	return os == EINVAL || os == ENXIO ? "it is not a regular file"
					   : strerror(os);
}

int
files_err(struct err *err, const char *what, const char *path)
{
	int os = errno;

	err_set(err, ERR_SYSTEM, "%s %s: %s", what, path, files_reason(os));
	if (err != NULL)
		err->os = os;
	return -1;
}

int
files_read_all(int fd, struct buf *to)
{
	char more;
	ssize_t n;

	do {
		size_t room = buf_room(to) < PIECE ? buf_room(to) : PIECE;

		n = room > 0 ? read(fd, buf_space(to, room), room)
			     : read(fd, &more, 1);
		if (n > 0 && room == 0) {
			errno = EFBIG;
			return -1;
		}
		if (n > 0)
			buf_added(to, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return (int)n;
}

int
files_write_all(int fd, struct bytes b)
{
	while (b.n > 0) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			b = bytes_of(b.p + n, b.n - (size_t)n);
	}
	return 0;
}

void
files_open_by(int (*way)(void *ctx, const char *path), void *ctx)
{
	other.way = way;
	other.ctx = ctx;
}
