/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdlib.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(space_that_nobody_fills_leaves_a_string),
		cmocka_unit_test(a_string_stays_one_when_it_moves_to_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
