/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rolling windows: no window, wherever it begins, sees more than its limit,
 * and what was spent survives a restart. */
#include "tests/lib/check.h"

#include "base/budget.h"

#define DAY 86400

static void
no_window_sees_more_than_its_limit(void **state)
{
	enum { LIMIT = 50, SECONDS = 3 * 3600 };
	static uint8_t sent[SECONDS];
	struct budget b;

	(void)state;
	budget_init(&b, 0, LIMIT, 0);
	for (int64_t t = 0; t < SECONDS; t++) {
		sent[t] = 0;
		/* As fast as it is allowed. */
		while (sent[t] < 20 && budget_wait_s(&b, t, NULL, NULL) == 0) {
			budget_spend(&b, 1, t);
			sent[t]++;
		}
	}
	for (size_t from = 0; from + 3600 <= SECONDS; from += 7) {
		unsigned sum = 0;

		for (size_t t = from; t < from + 3600; t++)
			sum += sent[t];
		assert_true(sum <= LIMIT);
	}
}

static void
the_wait_is_long_enough_and_no_longer_than_the_window(void **state)
{
	struct budget b;
	const char *name = NULL;
	uint64_t max = 0;
	int64_t wait;

	(void)state;
	budget_init(&b, 0, 0, 100);
	assert_int_equal(budget_wait_s(&b, 1000000, &name, &max), 0);
	budget_spend(&b, 100, 1000000);
	wait = budget_wait_s(&b, 1000000, &name, &max);
	assert_string_equal(name, "max_per_day");
	assert_int_equal(max, 100);
	assert_true(wait >= DAY && wait <= DAY + DAY / 60);
	assert_true(budget_wait_s(&b, 1000000 + wait - 1, NULL, NULL) > 0);
	assert_int_equal(budget_wait_s(&b, 1000000 + wait, NULL, NULL), 0);

	/* Of several the one that lasts longest. */
	budget_init(&b, 10, 0, 10);
	budget_spend(&b, 10, 1000000);
	assert_true(budget_wait_s(&b, 1000000, &name, &max) >= DAY);
	assert_string_equal(name, "max_per_day");
}

static void
a_clock_set_back_gives_nothing_away(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0, 10, 0);
	budget_spend(&b, 10, 10 * DAY);
	assert_true(budget_wait_s(&b, 5 * DAY, NULL, NULL) > 0);
	assert_true(budget_wait_s(&b, 5 * DAY + 3500, NULL, NULL) > 0);
}

static void
a_clock_set_back_closes_no_window_for_longer(void **state)
{
	struct budget b;
	int64_t wait;

	(void)state;
	budget_init(&b, 0, 10, 0);
	budget_spend(&b, 6, 3650 * DAY);
	budget_spend(&b, 4, 3650 * DAY + 1800);
	wait = budget_wait_s(&b, DAY, NULL, NULL);
	assert_true(wait > 0 && wait <= 1860);
	assert_int_equal(budget_wait_s(&b, DAY + wait, NULL, NULL), 0);
	/* The six have left, the four have not. */
	budget_spend(&b, 6, DAY + wait);
	assert_true(budget_wait_s(&b, DAY + wait, NULL, NULL) > 0);
	/* In 1970, where a slot may be before the first. */
	wait = budget_wait_s(&b, 5, NULL, NULL);
	assert_true(wait > 0 && wait <= 3660);
}

static void
what_was_spent_survives_a_restart(void **state)
{
	struct budget b, again;
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	budget_init(&b, 5, 10, 0);
	budget_spend(&b, 3, 999);
	budget_spend(&b, 7, 1000);
	budget_save(&b, &text);
	budget_init(&again, 5, 10, 0);
	budget_load(&again, buf_bytes(&text));
	assert_int_equal(budget_wait_s(&again, 1001, NULL, NULL),
	    budget_wait_s(&b, 1001, NULL, NULL));
	assert_true(budget_wait_s(&again, 1001, NULL, NULL) > 0);
	for (size_t n = 0; n < buf_len(&text); n++)
		budget_load(&again, bytes_of(buf_str(&text), n));
	buf_clear(&text);
}

/* Wherever both clocks are within their slots. */
static void
what_another_clock_has_counted_is_not_forgotten_too_early(void **state)
{
	(void)state;
	for (int64_t shift = -7200; shift < 7200; shift += 13) {
		const int64_t spent = 1000000, moved = spent + 1800;
		struct budget from, to;
		int64_t wait;

		budget_init(&from, 0, 10, 0);
		budget_spend(&from, 10, spent);
		budget_init(&to, 0, 20, 0);
		budget_spend(&to, 10, moved + shift);
		budget_add(&to, moved + shift, &from, moved);
		wait = budget_wait_s(&to, moved + shift, NULL, NULL);
		assert_in_range(wait, 1800, 1800 + 2 * 60);
		/* What had left the window does not come back. */
		budget_add(&to, moved + shift, &from, spent + 2 * 3600);
		assert_int_equal(to.windows[1].sum, 20);
	}
}

static void
four_fifths_are_told_once(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0, 10, 0);
	budget_spend(&b, 7, 100);
	assert_null(budget_warning(&b, 100));
	budget_spend(&b, 1, 100);
	assert_string_equal(budget_warning(&b, 100), "max_per_hour");
	assert_null(budget_warning(&b, 100));
	assert_null(budget_warning(&b, 100 + 2 * 3600));
	budget_spend(&b, 8, 100 + 2 * 3600);
	assert_non_null(budget_warning(&b, 100 + 2 * 3600));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_window_sees_more_than_its_limit),
		cmocka_unit_test(
		    the_wait_is_long_enough_and_no_longer_than_the_window),
		cmocka_unit_test(a_clock_set_back_gives_nothing_away),
		cmocka_unit_test(a_clock_set_back_closes_no_window_for_longer),
		cmocka_unit_test(what_was_spent_survives_a_restart),
		cmocka_unit_test(
		    what_another_clock_has_counted_is_not_forgotten_too_early),
		cmocka_unit_test(four_fifths_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
