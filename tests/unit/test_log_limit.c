/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nobody fills the log with equal lines, and no other line is lost over it. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "sys/log_limit.h"

struct told {
	size_t n;
	char last[400];
};

static void
tell(void *ctx, enum log_level level, const char *line)
{
	struct told *t = ctx;

	(void)level;
	t->n++;
	(void)snprintf(t->last, sizeof(t->last), "%s", line);
}

/* How many of so many lines pass, each with another port. */
static size_t
pass(struct log_limit *l, int64_t now_ms, const char *what, size_t n)
{
	size_t passed = 0;
	char line[200];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(line, sizeof(line), "%s 127.0.0.1:%zu: refused",
		    what, i * 37 % 65536);
		passed += log_limit_pass(
		    l, now_ms, LOG_LEVEL_NOTICE, line, line);
	}
	return passed;
}

static void
equal_lines_are_written_some_times_and_then_counted(void **state)
{
	static struct log_limit l;
	struct told t = { 0 };

	(void)state;
	assert_int_equal(pass(&l, 5000, "turned away", 1000), LOG_LIMIT_LINES);
	assert_int_equal(pass(&l, 5500, "turned away", 1000), 0);
	assert_int_equal(log_limit_tell(&l, 5900, tell, &t), 6000);
	assert_int_equal(t.n, 0);
	assert_int_equal(log_limit_tell(&l, 6000, tell, &t), INT64_MAX);
	assert_int_equal(t.n, 1);
	assert_non_null(strstr(t.last, "1980 more lines like this were left "
				       "out: turned away 127.0.0.1:"));
	/* And it begins anew. */
	assert_int_equal(pass(&l, 6000, "turned away", 1000), LOG_LIMIT_LINES);
}

static void
lines_at_a_usual_pace_all_pass(void **state)
{
	static struct log_limit l;
	struct told t = { 0 };

	(void)state;
	for (int64_t ms = 0; ms < 100000; ms += 50)
		if (pass(&l, ms, "accepted", 1) != 1)
			fail_msg("one is missing at %lld ms", (long long)ms);
	assert_int_equal(log_limit_tell(&l, 200000, tell, &t), INT64_MAX);
	assert_int_equal(t.n, 0);
}

static void
a_flood_of_one_kind_takes_no_other_line_along(void **state)
{
	static struct log_limit l;
	char what[40];

	(void)state;
	assert_int_equal(pass(&l, 1, "flood", 100000), LOG_LIMIT_LINES);
	for (int i = 0; i < 1000; i++) {
		/* Words, because numbers make no difference. */
		(void)snprintf(what, sizeof(what), "%c%c%c", 'a' + i % 26,
		    'a' + i / 26 % 26, 'a' + i / 676);
		assert_int_equal(pass(&l, 2, what, 1), 1);
	}
	/* So many kinds do not make it forget the flood either. */
	assert_int_equal(pass(&l, 3, "flood", 10), 0);
}

/* Mail that is busy, each line of it a kind of its own, and a flood of two
 * kinds. */
static void
floods_in_turn_are_counted_however_many_kinds_there_are(void **state)
{
	static struct log_limit l;
	size_t passed = 0;
	char what[40];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(what, sizeof(what), "%c%c%c", 'a' + i % 26,
		    'a' + i / 26 % 26, 'a' + i / 676);
		if (i < 2 * LOG_LIMIT_KINDS || i % 10 == 0)
			assert_int_equal(pass(&l, 1 + i / 10, what, 1), 1);
		if (i < 2 * LOG_LIMIT_KINDS)
			continue;
		passed += pass(&l, 1 + i / 10, "turned away", 1);
		passed += pass(&l, 1 + i / 10, "closed", 1);
	}
	assert_int_equal(passed, 2 * LOG_LIMIT_LINES);
}

static bool
pass_as(struct log_limit *l, int i, const char *kind)
{
	char line[300];

	(void)snprintf(line, sizeof(line), "refused id=%c%c%c from=<%c@x.test>",
	    'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676, 'a' + i % 26);
	return log_limit_pass(l, 5, LOG_LEVEL_NOTICE, line, kind);
}

static void
lines_of_one_kind_count_as_equal_whatever_they_say(void **state)
{
	static struct log_limit l;
	size_t passed = 0;

	(void)state;
	for (int i = 0; i < 5000; i++)
		passed += pass_as(&l, i, "refused alice 554 mail loop");
	assert_int_equal(passed, LOG_LIMIT_LINES);
	assert_true(pass_as(&l, 1, "refused bob 554 mail loop"));
	assert_true(pass_as(&l, 1, "refused alice 552 too large"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    equal_lines_are_written_some_times_and_then_counted),
		cmocka_unit_test(lines_at_a_usual_pace_all_pass),
		cmocka_unit_test(
		    lines_of_one_kind_count_as_equal_whatever_they_say),
		cmocka_unit_test(a_flood_of_one_kind_takes_no_other_line_along),
		cmocka_unit_test(
		    floods_in_turn_are_counted_however_many_kinds_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
