/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdio.h>

#include "base/str_set.h"

static void
a_text_is_new_once(void **state)
{
	static const char *const texts[] = { "a", "", "b", "ab", "abc", "aB",
		"\xff", "\x7f", "abd", "a\x01", "ab\x80" };
	struct str_set s = { 0 };

	(void)state;
	assert_false(str_set_has(&s, bytes_str("a")));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_false(str_set_has(&s, bytes_str(texts[i])));
		assert_true(str_set_add(&s, bytes_str(texts[i])));
		for (size_t k = 0; k <= i; k++) {
			assert_true(str_set_has(&s, bytes_str(texts[k])));
			assert_false(str_set_add(&s, bytes_str(texts[k])));
		}
	}
	str_set_clear(&s);
	assert_false(str_set_has(&s, bytes_str("a")));
}

static void
thousands_are_told_apart_in_any_order(void **state)
{
	struct str_set s = { 0 };
	char text[20];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "%u", i * 7919 % 5000);
		assert_true(str_set_add(&s, bytes_str(text)));
	}
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		assert_true(str_set_has(&s, bytes_str(text)));
		(void)snprintf(text, sizeof(text), "%u", i + 5000);
		assert_false(str_set_has(&s, bytes_str(text)));
	}
	str_set_clear(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_new_once),
		cmocka_unit_test(thousands_are_told_apart_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
