/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
space_that_nobody_fills_leaves_a_string(void **state)
{
	struct buf b;
	char *s;

	(void)state;
	buf_init(&b, 10000);
	assert_non_null(buf_space(&b, 200));
	assert_string_equal(buf_str(&b), "");
	s = buf_steal(&b);
	assert_string_equal(s, "");
	free(s);
	assert_true(buf_adds(&b, "abc"));
	for (size_t n = 1; n < 9000; n *= 2) {
		assert_non_null(buf_space(&b, n));
		assert_string_equal(buf_str(&b), "abc");
	}
	buf_clear(&b);
}

static void
a_string_stays_one_when_it_moves_to_the_front(void **state)
{
	struct buf b;
	char text[120];

	(void)state;
	buf_init(&b, 127);
	memset(text, 'x', sizeof(text));
	assert_true(buf_add(&b, text, sizeof(text)));
	buf_drop(&b, sizeof(text) - 3);
	assert_non_null(buf_space(&b, 100));
	assert_string_equal(buf_str(&b), "xxx");
	buf_clear(&b);
}

static void
letters_end_where_the_maximum_is(void **state)
{
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 300; max++) {
		buf_init(&b, max);
		for (size_t i = 0; i < max; i++) {
			assert_true(buf_addc(&b, (char)('a' + i % 26)));
			assert_int_equal(strlen(buf_str(&b)), i + 1);
		}
		assert_false(buf_addc(&b, '!'));
		assert_int_equal(buf_len(&b), max);
		/* Room at the front counts as well. */
		if (max > 0) {
			buf_drop(&b, 1);
			assert_true(buf_addc(&b, '!'));
			assert_false(buf_addc(&b, '!'));
			assert_int_equal(buf_str(&b)[max - 1], '!');
			assert_int_equal(strlen(buf_str(&b)), max);
		}
		buf_clear(&b);
	}
}

static void
whole_numbers_are_written_as_printf_does(void **state)
{
	static const int64_t numbers[] = { 0, 1, -1, 9, 10, 1234567890,
		INT64_MAX, INT64_MIN };
	struct buf b;
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		buf_init(&b, 20);
		assert_true(buf_addi(&b, numbers[i]));
		(void)snprintf(
		    text, sizeof(text), "%lld", (long long)numbers[i]);
		assert_string_equal(buf_str(&b), text);
		buf_clear(&b);
	}
	buf_init(&b, 2);
	assert_false(buf_addi(&b, 100));
	assert_true(buf_addi(&b, 99));
	buf_clear(&b);
}

static void
no_more_than_the_maximum_is_taken(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_adds(&b, "0123456"));
	assert_null(buf_space(&b, 4));
	assert_false(buf_adds(&b, "789x"));
	assert_false(buf_addf(&b, "%d", 1234));
	assert_null(buf_space(&b, SIZE_MAX));
	assert_buf(&b, "0123456");
	assert_true(buf_adds(&b, "789"));
	assert_false(buf_addc(&b, 'x'));
	buf_drop(&b, 9);
	assert_true(buf_adds(&b, "012345678"));
	assert_false(buf_addc(&b, 'x'));
	assert_buf(&b, "9012345678");
	buf_clear(&b);
}

static void
formatted_text_is_whole_however_little_room_is_left(void **state)
{
	char expected[400];
	struct buf b;

	(void)state;
	for (size_t had = 0; had < 300; had++) {
		buf_init(&b, 320);
		memset(expected, 'x', had + 1);
		assert_true(buf_add(&b, expected, had + 1));
		buf_drop(&b, 1);
		(void)snprintf(expected + had, sizeof(expected) - had, "%s-%d",
		    "formatted", 12345);
		assert_true(buf_addf(&b, "%s-%d", "formatted", 12345));
		assert_buf(&b, expected);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(space_that_nobody_fills_leaves_a_string),
		cmocka_unit_test(no_more_than_the_maximum_is_taken),
		cmocka_unit_test(a_string_stays_one_when_it_moves_to_the_front),
		cmocka_unit_test(letters_end_where_the_maximum_is),
		cmocka_unit_test(
		    formatted_text_is_whole_however_little_room_is_left),
		cmocka_unit_test(whole_numbers_are_written_as_printf_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
