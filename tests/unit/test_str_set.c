/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdio.h>

#include "base/str_set.h"

static struct bytes
text_of(const char *s)
{
	return bytes_of(s, strlen(s));
}

static void
a_text_is_new_once(void **state)
{
	static const char *const texts[] = { "a", "", "b", "ab", "abc", "aB",
		"\xff", "\x7f", "abd", "a\x01", "ab\x80" };
	struct str_set s = { 0 };

	(void)state;
	assert_false(str_set_has(&s, text_of("a")));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_false(str_set_has(&s, text_of(texts[i])));
		assert_true(str_set_add(&s, text_of(texts[i])));
		for (size_t k = 0; k <= i; k++) {
			assert_true(str_set_has(&s, text_of(texts[k])));
			assert_false(str_set_add(&s, text_of(texts[k])));
		}
	}
	str_set_clear(&s);
	assert_false(str_set_has(&s, text_of("a")));
}

static void
thousands_are_told_apart_in_any_order(void **state)
{
	struct str_set s = { 0 };
	char text[20];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "%u", i * 7919 % 5000);
		assert_true(str_set_add(&s, text_of(text)));
	}
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		assert_true(str_set_has(&s, text_of(text)));
		(void)snprintf(text, sizeof(text), "%u", i + 5000);
		assert_false(str_set_has(&s, text_of(text)));
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
