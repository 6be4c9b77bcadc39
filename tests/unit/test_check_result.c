/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check_result.h"

#include <sys/socket.h>

#include "tests/lib/check.h"

static const struct check_result one = {
	.stage = CHECK_TCP,
	.verdict = CHECK_NOTE,
	.port = 465,
	.family = AF_INET6,
	.took_ms = 3000,
	.seen = "no answer",
	.advice = "use 587",
};

static void
a_result_travels_as_json(void **state)
{
	json_t *j = check_result_json(&one);
	struct check_result r;

	(void)state;
	assert_true(check_result_from_json(j, &r));
	assert_int_equal(r.stage, one.stage);
	assert_int_equal(r.verdict, one.verdict);
	assert_int_equal(r.port, one.port);
	assert_int_equal(r.family, one.family);
	assert_int_equal(r.took_ms, one.took_ms);
	assert_string_equal(r.seen, one.seen);
	assert_string_equal(r.advice, one.advice);
	json_decref(j);
}

/* jansson refuses a string that is not UTF-8, and the line would be lost. */
static void
foreign_bytes_do_not_lose_the_line(void **state)
{
	struct check_result r = one, back;
	json_t *j;

	(void)state;
	(void)strcpy(r.seen, "550 caf\xe9");
	j = check_result_json(&r);
	assert_non_null(j);
	assert_true(check_result_from_json(j, &back));
	assert_string_equal(back.seen, "550 caf\\xe9");
	json_decref(j);
}

static void
what_is_no_result_is_refused(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"stage\":\"tcp\"}",
		"{\"stage\":\"x\",\"verdict\":\"ok\"}",
		"{\"stage\":\"tcp\",\"verdict\":1}" };
	struct check_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *j = json_loads(texts[i], 0, NULL);

		assert_non_null(j);
		assert_false(check_result_from_json(j, &r));
		json_decref(j);
	}
}

static void
lines_are_aligned(void **state)
{
	struct check_result dns = { .stage = CHECK_DNS,
		.verdict = CHECK_OK,
		.took_ms = 4,
		.seen = "two" };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	check_result_line(&one, &b);
	assert_buf(&b, "tcp       465  IPv6  note      3000 ms  no answer");
	buf_reset(&b);
	check_result_line(&dns, &b);
	assert_buf(&b, "dns                  ok           4 ms  two");
	buf_clear(&b);
}

static void
the_worst_verdict_is_the_exit_status(void **state)
{
	(void)state;
	assert_int_equal(check_exit_status(CHECK_SKIPPED), 0);
	assert_int_equal(check_exit_status(CHECK_NOTE), 0);
	assert_int_equal(
	    check_exit_status(check_worse(CHECK_LATER, CHECK_NOTE)), 1);
	assert_int_equal(
	    check_exit_status(check_worse(CHECK_LATER, CHECK_PERSON)), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_travels_as_json),
		cmocka_unit_test(foreign_bytes_do_not_lose_the_line),
		cmocka_unit_test(what_is_no_result_is_refused),
		cmocka_unit_test(lines_are_aligned),
		cmocka_unit_test(the_worst_verdict_is_the_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
