/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the keeper takes from a worker, whatever that sends. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conf/conf.h"
#include "relaisd/errand.h"
#include "relaisd/line.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

static int ends[2];
static struct line_ask got;

static int
setup(void **state)
{
	(void)state;
	return line_new(ends);
}

static int
teardown(void **state)
{
	(void)state;
	(void)close(ends[0]); /* nothing is lost */
	(void)close(ends[1]);
	return 0;
}

static void
an_ask_has_one_size(void **state)
{
	static char bytes[2 * sizeof(struct line_ask)];
	static const size_t bad[] = { 1, 4, sizeof(got) - 1, sizeof(got) + 1,
		sizeof(bytes) };

	(void)state;
	assert_int_equal(line_take_ask(ends[0], &got), LINE_GOT_NOTHING);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(send(ends[1], bytes, bad[i], 0), bad[i]);
		assert_int_equal(line_take_ask(ends[0], &got), LINE_GOT_BAD);
		assert_int_equal(
		    line_take_ask(ends[0], &got), LINE_GOT_NOTHING);
	}
	assert_true(line_send_ask(
	    ends[1], &(struct line_ask) { .kind = LINE_UP, .number = 7 }));
	assert_int_equal(line_take_ask(ends[0], &got), LINE_GOT_ONE);
	assert_int_equal(got.number, 7);
	(void)shutdown(ends[1], SHUT_RDWR);
	assert_int_equal(line_take_ask(ends[0], &got), LINE_GOT_END);
	assert_false(line_send_ask(ends[1], &got));
}

/* Only from Linux 6.16 on: to close what came along may take for ever. */
static void
an_ask_brings_no_descriptor(void **state)
{
	struct line_ask ask = { .kind = LINE_UP };
	struct iovec io = { &ask, sizeof(ask) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { 0 };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof(u.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int may;
	socklen_t n = sizeof(may);

	(void)state;
	if (getsockopt(ends[1], SOL_SOCKET, SO_PASSRIGHTS, &may, &n) != 0)
		skip();
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int)); /* standard input */
	assert_int_equal(sendmsg(ends[1], &m, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(line_take_ask(ends[0], &got), LINE_GOT_NOTHING);
}

static void
an_answer_is_as_long_as_it_says(void **state)
{
	static struct line_answer a, back;
	int passed;

	(void)state;
	a.word = LINE_ANSWER;
	a.data_n = 5;
	memcpy(a.data, "hello", 5);
	assert_true(line_send_answer(ends[0], &a, -1));
	assert_int_equal(
	    line_take_answer(ends[1], &back, &passed), LINE_GOT_ONE);
	assert_int_equal(passed, -1);
	assert_int_equal(back.data_n, 5);
	assert_memory_equal(back.data, "hello", 5);
	a.data_n = 6;
	assert_int_equal(
	    send(ends[0], &a, offsetof(struct line_answer, data), 0),
	    offsetof(struct line_answer, data));
	assert_int_equal(
	    line_take_answer(ends[1], &back, &passed), LINE_GOT_BAD);
	a.data_n = 0;
	assert_true(line_send_answer(ends[0], &a, 0));
	assert_int_equal(
	    line_take_answer(ends[1], &back, &passed), LINE_GOT_ONE);
	assert_true(passed > 2);
	(void)close(passed); /* a copy */
}

static void
a_side_that_does_not_read_keeps_nobody(void **state)
{
	static struct line_answer a, back;
	int passed, n = 0;

	(void)state;
	a.data_n = sizeof(a.data);
	while (n < 10000 && line_send_answer_now(ends[0], &a, -1))
		n++;
	assert_int_equal(errno, EAGAIN);
	assert_in_range(n, 1, 9999);
	assert_int_equal(
	    line_take_answer(ends[1], &back, &passed), LINE_GOT_ONE);
	assert_true(line_send_answer_now(ends[0], &a, -1));
}

static void
an_errand_names_what_exists(void **state)
{
	static struct conf_account accounts[2];
	const struct conf conf = { .accounts = accounts, .naccounts = 2 };
	static const struct {
		struct line_ask ask;
		bool is_sound;
	} rows[] = {
		{ { .kind = 0 }, false },
		{ { .kind = LINE_KINDS }, false },
		{ { .kind = UINT32_MAX }, false },
		{ { .kind = LINE_UP }, true },
		{ { .kind = LINE_SECRET, .index = 1 }, true },
		{ { .kind = LINE_SECRET, .index = 2 }, false },
		{ { .kind = LINE_SECRET, .index = LINE_NOBODY }, false },
		{ { .kind = LINE_LOOKUP, .index = 1 }, true },
		{ { .kind = LINE_LOOKUP, .index = 2 }, false },
		{ { .kind = LINE_USER, .index = UINT32_MAX, .count = 1 },
		    true },
		{ { .kind = LINE_USER, .count = 2 }, false },
		{ { .kind = LINE_ALERT,
		      .index = LINE_NOBODY,
		      .user = "alice",
		      .text = "a reason" },
		    true },
		{ { .kind = LINE_ALERT, .index = 2 }, false },
		{ { .kind = LINE_ALERT, .event = 1000 }, false },
		{ { .kind = LINE_ALERT, .user = "a\nRELAIS_EVENT=x" }, false },
		{ { .kind = LINE_ALERT, .text = "\033[2J" }, false },
	};
	struct line_ask endless = { .kind = LINE_ALERT };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (errand_is_sound(&rows[i].ask, &conf) != rows[i].is_sound)
			fail_msg("row %zu", i);
	/* What an account was once is not known any more. */
	assert_true(errand_is_sound(&rows[5].ask, NULL));
	assert_true(errand_is_sound(
	    &(struct line_ask) { .kind = LINE_SIGN_IN, .index = 9 }, NULL));
	assert_false(errand_is_sound(&rows[1].ask, NULL));
	assert_false(errand_is_sound(&rows[14].ask, NULL));
	memset(endless.text, 'x', sizeof(endless.text));
	assert_false(errand_is_sound(&endless, &conf));
	endless.text[sizeof(endless.text) - 1] = '\0';
	assert_true(errand_is_sound(&endless, &conf));
	memset(endless.user, 'x', sizeof(endless.user));
	assert_false(errand_is_sound(&endless, &conf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_ask_has_one_size, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_ask_brings_no_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_answer_is_as_long_as_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_side_that_does_not_read_keeps_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_errand_names_what_exists, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
