/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "queue/retry.h"

enum { MINUTE = 60 * 1000 };
#define DAY   (INT64_C(24) * 60 * MINUTE)
#define YEARS (INT64_C(365) * DAY)

static const struct retry defaults = { MINUTE, 60 * MINUTE };

static void
fixed(void *ctx, void *p, size_t n)
{
	memset(p, *(unsigned char *)ctx, n);
}

static void
count(void *ctx, void *p, size_t n)
{
	uint32_t *next = ctx, v = *next;

	*next += 1;
	memset(p, 0, n);
	memcpy(p, &v, n < sizeof(v) ? n : sizeof(v));
}

static void
waits_double_up_to_the_longest(void **state)
{
	static const int64_t minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	uint32_t middle = 100; /* no jitter */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
		struct rng rng = { count, &middle };

		middle = 100;
		assert_int_equal(retry_wait_ms(&defaults, (int)i + 1, &rng),
		    minutes[i] * MINUTE);
	}
	middle = 100;
	assert_int_equal(retry_wait_ms(&defaults, INT32_MAX,
			     &(struct rng) { count, &middle }),
	    60 * MINUTE);
}

static void
jitter_is_at_most_a_tenth_and_uses_all_of_it(void **state)
{
	uint32_t next = 0;
	struct rng rng = { count, &next };
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t w = retry_wait_ms(&defaults, 3, &rng);

		least = w < least ? w : least;
		most = w > most ? w : most;
	}
	assert_int_equal(least, 4 * MINUTE * 9 / 10);
	assert_int_equal(most, 4 * MINUTE * 11 / 10);
}

static void
odd_settings_give_sane_waits(void **state)
{
	static const struct retry odd[] = { { 1, 1 }, { 999, 1000 },
		{ 60 * MINUTE, MINUTE }, { 1, INT64_C(3600) * 1000 } };
	unsigned char byte = 0;
	struct rng rng = { fixed, &byte };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		for (int n = 0; n < 100; n++) {
			int64_t w = retry_wait_ms(&odd[i], n, &rng);

			assert_true(w >= 0 && w <= odd[i].max_ms * 11 / 10);
		}
}

static void
R47_age_is_the_smaller_of_wall_clock_and_time_seen(void **state)
{
	static const struct {
		int64_t arrived, now, seen, age;
	} rows[] = {
		{ 10 * YEARS, 10 * YEARS + DAY, DAY, DAY },
		{ 0, 40 * YEARS, DAY, DAY }, /* arrived without a clock */
		{ 40 * YEARS, 0, DAY, 0 }, /* started without one */
		{ 10 * YEARS, 10 * YEARS + 9 * DAY, DAY, DAY }, /* was off */
		{ 10 * YEARS, 10 * YEARS + DAY, 9 * DAY, DAY },
		{ 10 * YEARS, 10 * YEARS - DAY, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    retry_age_ms(rows[i].arrived, rows[i].now, rows[i].seen),
		    rows[i].age);
}

static void
a_noted_time_resumes_as_a_wait_that_is_never_too_long(void **state)
{
	(void)state;
	assert_int_equal(retry_resume_ms(&defaults, 10 * YEARS, 10 * YEARS), 0);
	assert_int_equal(
	    retry_resume_ms(&defaults, 10 * YEARS + MINUTE, 10 * YEARS),
	    MINUTE);
	assert_int_equal(retry_resume_ms(&defaults, 10 * YEARS, 40 * YEARS), 0);
	assert_int_equal(
	    retry_resume_ms(&defaults, 40 * YEARS, 0), 60 * MINUTE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_longest),
		cmocka_unit_test(jitter_is_at_most_a_tenth_and_uses_all_of_it),
		cmocka_unit_test(odd_settings_give_sane_waits),
		cmocka_unit_test(
		    R47_age_is_the_smaller_of_wall_clock_and_time_seen),
		cmocka_unit_test(
		    a_noted_time_resumes_as_a_wait_that_is_never_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
