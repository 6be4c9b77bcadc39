/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdio.h>

#include "notice/notice_cap.h"

#define NOW INT64_C(1750000000)
static const char me[] = "me@example.org";

static int
setup(void **state)
{
	*state = notice_cap_new();
	return 0;
}

static int
teardown(void **state)
{
	notice_cap_free(*state);
	return 0;
}

static unsigned
take_all(struct notice_cap *c, const char *sender, int64_t now_s)
{
	unsigned n = 0;

	while (n < 5000 && notice_cap_take(c, sender, now_s))
		n++;
	return n;
}

static void
one_sender_gets_ten_in_an_hour(void **state)
{
	struct notice_cap *c = *state;

	assert_int_equal(take_all(c, me, NOW), 10);
	assert_int_equal(take_all(c, "ME@example.ORG", NOW + 1), 0);
	assert_int_equal(take_all(c, me, NOW + 3599), 0);
	assert_int_equal(take_all(c, me, NOW + 3600), 10);
}

static void
another_sender_has_a_share_of_his_own(void **state)
{
	struct notice_cap *c = *state;

	assert_int_equal(take_all(c, me, NOW), 10);
	assert_int_equal(take_all(c, "you@example.org", NOW), 10);
}

static void
a_digest_goes_at_once_and_then_once_in_an_hour(void **state)
{
	struct notice_cap *c = *state;

	assert_int_equal(take_all(c, me, NOW), 10);
	assert_int_equal(notice_cap_digest_s(c, me, NOW + 5), NOW + 5);
	notice_cap_digested(c, me, NOW + 60);
	assert_int_equal(notice_cap_digest_s(c, me, NOW + 61), NOW + 60 + 3600);
	assert_int_equal(
	    notice_cap_digest_s(c, me, NOW + 60 + 3600), NOW + 60 + 3600);
}

static void
a_clock_that_was_set_back_opens_the_hour(void **state)
{
	struct notice_cap *c = *state;

	assert_int_equal(take_all(c, me, NOW), 10);
	notice_cap_digested(c, me, NOW);
	assert_int_equal(notice_cap_digest_s(c, me, NOW - 10), NOW - 10);
	assert_int_equal(take_all(c, me, NOW - 10), 10);
}

static void
a_restart_does_not_open_the_hour(void **state)
{
	struct notice_cap *c = *state, *again = notice_cap_new();
	struct buf text;

	assert_int_equal(take_all(c, "old@example.org", NOW - 4000), 10);
	assert_int_equal(take_all(c, me, NOW), 10);
	assert_true(notice_cap_take(c, "\"a b\"@example.org", NOW));
	notice_cap_digested(c, me, NOW + 60);
	buf_init(&text, 10000);
	notice_cap_save(c, NOW + 100, &text);
	assert_null(strstr(buf_str(&text), "old@"));
	notice_cap_load(again, buf_bytes(&text));
	assert_int_equal(take_all(again, me, NOW + 200), 0);
	assert_int_equal(take_all(again, "\"a b\"@example.org", NOW + 200), 9);
	assert_int_equal(
	    notice_cap_digest_s(again, me, NOW + 200), NOW + 60 + 3600);
	buf_clear(&text);
	notice_cap_free(again);
}

static void
what_cannot_be_understood_is_left_out(void **state)
{
	static const char bad[] =
	    "\n1 2\nx 1 0 a@b\n1750000000 11 0 a@b\n"
	    "-5 1 0 a@b\n1750000000 10 0 me@example.org\n1 2 3";
	struct notice_cap *c = *state;

	notice_cap_load(c, bytes_str(bad));
	assert_int_equal(take_all(c, me, NOW), 0);
	assert_int_equal(take_all(c, "a@b", NOW), 10);
}

static void
more_senders_than_are_remembered_push_out_the_oldest(void **state)
{
	struct notice_cap *c = *state;
	char sender[40];

	for (int i = 0; i <= NOTICE_CAP_SENDERS; i++) {
		(void)snprintf(sender, sizeof(sender), "s%d@example.org", i);
		assert_int_equal(take_all(c, sender, NOW + i), 10);
	}
	assert_int_equal(take_all(c, "s0@example.org", NOW + 1001), 10);
	assert_int_equal(take_all(c, "s1000@example.org", NOW + 1001), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(one_sender_gets_ten_in_an_hour),
		T(another_sender_has_a_share_of_his_own),
		T(a_digest_goes_at_once_and_then_once_in_an_hour),
		T(a_clock_that_was_set_back_opens_the_hour),
		T(a_restart_does_not_open_the_hour),
		T(what_cannot_be_understood_is_left_out),
		T(more_senders_than_are_remembered_push_out_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
