/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real disk keeps the contract of base/fs.h: nothing follows a link, no
 * descriptor is inherited, a sync is one, a lock is for one. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fs_sys.h"
#include "tests/lib/temp.h"

/* The linker puts this in the place of fsync(). */
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static int syncs, sync_fd, sync_os;

int
__wrap_fsync(int fd)
{
	syncs++;
	sync_fd = fd;
	errno = sync_os;
	return sync_os != 0 ? -1 : __real_fsync(fd);
}

static char dir[64];
static int dirfd_of;

static int
set_up(void **state)
{
	(void)state;
	temp_dir(dir, sizeof(dir), "relais-fs");
	dirfd_of = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_of < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlinkat(dirfd_of, "file", 0);
	(void)unlinkat(dirfd_of, "link", 0);
	(void)close(dirfd_of);
	return rmdir(dir);
}

static int
open_file(const char *name, int flags)
{
	return fs_sys()->open(NULL, dirfd_of, name, flags, 0600);
}

static void
R29_a_link_is_not_followed(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlinkat("file", dirfd_of, "link"), 0);
	assert_int_equal(open_file("link", O_WRONLY | O_CREAT), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(close(open_file("file", O_WRONLY | O_CREAT)), 0);
	assert_int_equal(open_file("link", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(fs_sys()->stat(NULL, dirfd_of, "link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void
a_descriptor_is_not_inherited(void **state)
{
	int fd = open_file("file", O_WRONLY | O_CREAT);

	(void)state;
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(close(fd), 0);
}

static void
a_sync_is_one_and_its_failure_is_told(void **state)
{
	int fd = open_file("file", O_WRONLY | O_CREAT);

	(void)state;
	syncs = sync_os = 0;
	assert_int_equal(fs_sys()->sync(NULL, fd), 0);
	assert_int_equal(syncs, 1);
	assert_int_equal(sync_fd, fd);
	sync_os = EIO;
	assert_int_equal(fs_sys()->sync(NULL, fd), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(syncs, 2);
	assert_int_equal(close(fd), 0);
}

static void
a_lock_is_for_one(void **state)
{
	int fd = open_file("file", O_RDWR | O_CREAT);
	int other = open_file("file", O_RDWR);

	(void)state;
	assert_int_equal(fs_sys()->lock(NULL, fd), 0);
	assert_int_equal(fs_sys()->lock(NULL, other), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(close(fd), 0);
	assert_int_equal(fs_sys()->lock(NULL, other), 0);
	assert_int_equal(close(other), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R29_a_link_is_not_followed),
		cmocka_unit_test(a_descriptor_is_not_inherited),
		cmocka_unit_test(a_sync_is_one_and_its_failure_is_told),
		cmocka_unit_test(a_lock_is_for_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
