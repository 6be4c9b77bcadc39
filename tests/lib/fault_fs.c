/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/fault_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fs_sys.h"

/* True: this call is to fail, errno is set; 0 means sudden death. */
static bool
is_hit_by(struct fault_fs *f, char letter)
{
	bool is_hit = false;

	(void)pthread_mutex_lock(&f->mutex);
	IGNORE(buf_addc(&f->order, letter)); /* full: enough was seen */
	if (f->only == NULL || strchr(f->only, letter) != NULL) {
		f->calls++;
		is_hit = f->nth != 0 &&
			 (f->calls == f->nth ||
			     (f->is_lasting && f->calls > f->nth));
	}
	f->fired |= is_hit;
	if (is_hit)
		f->fired_letter = letter;
	(void)pthread_mutex_unlock(&f->mutex);
	if (is_hit)
		errno = f->os;
	return is_hit;
}

static bool
trips(void *ctx, char letter)
{
	struct fault_fs *f = ctx;
	bool is_hit = is_hit_by(f, letter);

	if (is_hit && f->os == 0)
		_exit(0);
	return is_hit;
}

/* So much of n bytes is written before the call fails: a full disk takes half
 * of it first. */
static size_t
half(const struct fault_fs *f, size_t n)
{
	return f->os != 0 || f->dies_writing ? n / 2 : 0;
}

static int
f_open(void *ctx, int dirfd, const char *name, int flags, mode_t mode)
{
	if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0 &&
	    trips(ctx, (flags & O_CREAT) != 0 ? 'c' : 'o'))
		return -1;
	return fs_sys()->open(NULL, dirfd, name, flags, mode);
}

static ssize_t
failed_write(const struct fault_fs *f)
{
	if (f->os == 0)
		_exit(0);
	errno = f->os;
	return -1;
}

static ssize_t
f_write(void *ctx, int fd, const void *p, size_t n)
{
	if (is_hit_by(ctx, 'w')) {
		IGNORE(fs_sys()->write(NULL, fd, p, half(ctx, n)) < 0);
		return failed_write(ctx);
	}
	return fs_sys()->write(NULL, fd, p, n);
}

static ssize_t
f_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
	if (is_hit_by(ctx, 'w')) {
		IGNORE(fs_sys()->pwrite(NULL, fd, p, half(ctx, n), at) < 0);
		return failed_write(ctx);
	}
	return fs_sys()->pwrite(NULL, fd, p, n, at);
}

static ssize_t
f_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
	(void)ctx;
	return fs_sys()->pread(NULL, fd, p, n, at);
}

static int
f_sync(void *ctx, int fd)
{
	struct stat st;
	bool is_dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

	if (trips(ctx, is_dir ? 'd' : 's'))
		return -1;
	/* Nobody cuts the power of the machine that tests. */
	return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static int
f_close(void *ctx, int fd)
{
	struct stat st;
	bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		       (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	bool fails = is_file && trips(ctx, 'x');
	int saved = errno, rc = close(fd);

	errno = saved;
	return fails ? -1 : rc;
}

static int
f_truncate(void *ctx, int fd, off_t size)
{
	return trips(ctx, 't') ? -1 : ftruncate(fd, size);
}

static int
f_rename(void *ctx, int from, const char *old, int to, const char *new)
{
	return trips(ctx, 'r') ? -1
			       : fs_sys()->rename(NULL, from, old, to, new);
}

static int
f_unlink(void *ctx, int dirfd, const char *name)
{
	return trips(ctx, 'u') ? -1 : fs_sys()->unlink(NULL, dirfd, name);
}

static int
f_rmdir(void *ctx, int dirfd, const char *name)
{
	return trips(ctx, 'u') ? -1 : fs_sys()->rmdir(NULL, dirfd, name);
}

static int
f_mkdir(void *ctx, int dirfd, const char *name, mode_t mode)
{
	return trips(ctx, 'm') ? -1 : fs_sys()->mkdir(NULL, dirfd, name, mode);
}

void
fault_fs_init(struct fault_fs *f)
{
	*f = (struct fault_fs) { .fs = *fs_sys() };
	f->fs.open = f_open;
	f->fs.write = f_write;
	f->fs.pwrite = f_pwrite;
	f->fs.pread = f_pread;
	f->fs.sync = f_sync;
	f->fs.close = f_close;
	f->fs.truncate = f_truncate;
	f->fs.rename = f_rename;
	f->fs.unlink = f_unlink;
	f->fs.rmdir = f_rmdir;
	f->fs.mkdir = f_mkdir;
	f->fs.ctx = f;
	buf_init(&f->order, 1024 * 1024);
	(void)pthread_mutex_init(&f->mutex, NULL);
}

void
fault_fs_clear(struct fault_fs *f)
{
	buf_clear(&f->order);
	(void)pthread_mutex_destroy(&f->mutex);
}

void
fault_fs_arm(struct fault_fs *f, int nth, int os)
{
	f->calls = 0;
	f->nth = nth;
	f->os = os;
	f->fired = false;
	f->fired_letter = 0;
}
