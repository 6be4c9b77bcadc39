/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "base/crc32.h"

static void
the_check_value_of_the_algorithm_comes_out(void **state)
{
	(void)state;
	assert_int_equal(crc32_of(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_of(0, "", 0), 0);
	assert_int_equal(crc32_of(0, NULL, 0), 0);
	assert_int_equal(crc32_of(0, "a", 1), 0xe8b7be43);
}

static void
pieces_give_what_the_whole_gives(void **state)
{
	static const char text[] = "no matter where it is cut";

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(
		    crc32_of(crc32_of(0, text, i), text + i, sizeof(text) - i),
		    crc32_of(0, text, sizeof(text)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_value_of_the_algorithm_comes_out),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
