/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "net/dirwatch.h"
#include "net/loop.h"
#include "sys/clock_sys.h"
#include "tests/lib/temp.h"

struct bench {
	char dir[64];
	int fd, times;
	struct loop *l;
	struct dirwatch *w;
};

static void
count(void *ctx)
{
	++*(int *)ctx;
}

static int
up(void **state)
{
	static struct bench b;
	struct err err;

	temp_dir(b.dir, sizeof(b.dir), "relais-watch");
	b.fd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b.times = 0;
	assert_true(b.fd >= 0);
	assert_int_equal(loop_new(clock_sys(), &b.l, &err), 0);
	assert_int_equal(
	    dirwatch_new(b.l, b.fd, count, &b.times, &b.w, &err), 0);
	*state = &b;
	return 0;
}

static void
make(struct bench *b, const char *name)
{
	int fd = openat(
	    b->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static int
down(void **state)
{
	struct bench *b = *state;
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	dirwatch_free(b->w);
	loop_free(b->l);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(b->fd, names[i], 0);
	assert_int_equal(rmdir(b->dir), 0);
	return close(b->fd);
}

static void
turn(struct bench *b)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(b->l, false);
}

static void
what_comes_is_told_once_for_each_arming(void **state)
{
	struct bench *b = *state;

	make(b, "a");
	turn(b);
	assert_int_equal(b->times, 0);
	assert_true(dirwatch_arm(b->w));
	turn(b);
	assert_int_equal(b->times, 0);
	make(b, "b");
	make(b, "c");
	turn(b);
	assert_int_equal(b->times, 1);
	make(b, "d");
	turn(b);
	assert_int_equal(b->times, 1);
	assert_true(dirwatch_arm(b->w));
	assert_int_equal(renameat(b->fd, "d", b->fd, "e"), 0);
	turn(b);
	assert_int_equal(b->times, 2);
}

static void
what_comes_before_the_loop_turns_is_not_missed(void **state)
{
	struct bench *b = *state;

	assert_true(dirwatch_arm(b->w));
	make(b, "a");
	assert_true(dirwatch_arm(b->w));
	turn(b);
	assert_int_equal(b->times, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_comes_is_told_once_for_each_arming, up, down),
		cmocka_unit_test_setup_teardown(
		    what_comes_before_the_loop_turns_is_not_missed, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
