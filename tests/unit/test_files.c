/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All of a descriptor is read or written, or the call says why not. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/files.h"

/* A file of n bytes in memory, at its start. */
static int
file_of(size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	char *text = xcalloc(1, n + 1);

	assert_true(fd >= 0);
	memset(text, 'x', n);
	assert_int_equal(files_write_all(fd, bytes_of(text, n)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	free(text);
	return fd;
}

static void
what_fits_is_read_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 10000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = file_of(sizes[i]);
		struct buf b;

		buf_init(&b, sizes[i]);
		assert_int_equal(files_read_all(fd, &b), 0);
		assert_int_equal(buf_len(&b), sizes[i]);
		buf_clear(&b);
		assert_int_equal(close(fd), 0);
	}
}

static void
one_byte_too_many_is_an_error_and_the_beginning_is_there(void **state)
{
	int fd = file_of(5000);
	struct buf b;

	(void)state;
	buf_init(&b, 4999);
	errno = 0;
	assert_int_equal(files_read_all(fd, &b), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(buf_len(&b), 4999);
	buf_clear(&b);
	assert_int_equal(close(fd), 0);
}

static void
a_descriptor_of_the_wrong_kind_is_an_error(void **state)
{
	int fds[2];
	struct buf b;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	buf_init(&b, 10);
	errno = 0;
	assert_int_equal(files_read_all(fds[1], &b), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(files_write_all(fds[0], bytes_str("x")), -1);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(files_write_all(fds[1], bytes_str("x")), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(close(fds[1]), 0);
	buf_clear(&b);
}

static void
a_slow_pipe_is_read_to_its_end(void **state)
{
	int fds[2];
	struct buf b;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		for (int i = 0; i < 3; i++)
			if (files_write_all(fds[1], bytes_str("ab")) != 0 ||
			    usleep(1000) != 0)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(close(fds[1]), 0);
	buf_init(&b, 100);
	assert_int_equal(files_read_all(fds[0], &b), 0);
	assert_string_equal(buf_str(&b), "ababab");
	buf_clear(&b);
	assert_int_equal(close(fds[0]), 0);
}

/* Neither waits for ever nor fills the memory. */
static void
only_a_regular_file_of_some_size_is_read(void **state)
{
	char dir[] = "/tmp/test_files.XXXXXX", fifo[60], large[60];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	(void)snprintf(large, sizeof(large), "%s/large", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(large, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(close(fd), 0);
	assert_null(files_read(fifo));
	assert_int_equal(errno, EINVAL);
	assert_string_equal(files_reason(errno), "it is not a regular file");
	assert_null(files_read("/dev/zero"));
	assert_int_equal(errno, EINVAL);
	assert_null(files_read(dir));
	assert_int_equal(errno, EISDIR);
	assert_null(files_read(large));
	assert_int_equal(errno, EFBIG);
	assert_int_equal(files_open_regular(fifo), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(unlink(large), 0);
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_regular_file_of_some_size_is_read),
		cmocka_unit_test(what_fits_is_read_whole),
		cmocka_unit_test(
		    one_byte_too_many_is_an_error_and_the_beginning_is_there),
		cmocka_unit_test(a_descriptor_of_the_wrong_kind_is_an_error),
		cmocka_unit_test(a_slow_pipe_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
