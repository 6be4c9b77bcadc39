/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R22: the decoder takes what RFC 4648 allows and nothing else. */
#include "tests/lib/check.h"

#include "base/base64.h"

static const struct {
	const char *text, *code;
} pairs[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfd", "//79" },
};

static void
pairs_go_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_true(base64_encode(&b, bytes_str(pairs[i].text)));
		assert_buf(&b, pairs[i].code);
		buf_reset(&b);
		assert_true(base64_decode(&b, bytes_str(pairs[i].code)));
		assert_buf(&b, pairs[i].text);
		buf_clear(&b);
	}
}

static void
malformed_input_is_refused_and_leaves_no_trace(void **state)
{
	static const char *bad[] = { "Z", "Zg",
		"Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9",
		"Zh==", "Zm9=", "=Zg=", "Zm9-", "Z\0==" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_true(buf_adds(&b, "before"));
		assert_false(base64_decode(&b, bytes_str(bad[i])));
		assert_buf(&b, "before");
		buf_clear(&b);
	}
}

/* What follows the text in memory is not part of it. */
static void
a_length_that_cannot_be_is_refused(void **state)
{
	static const char text[] = "Zm9vYmFyZm9v";

	(void)state;
	for (size_t n = 1; n < sizeof(text) - 1; n++) {
		struct buf b;

		buf_init(&b, 100);
		assert_int_equal(
		    base64_decode(&b, bytes_of(text, n)), n % 4 == 0);
		buf_clear(&b);
	}
}

static void
a_full_buffer_is_an_answer(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_false(base64_encode(&b, bytes_of("f", 1)));
	assert_int_equal(buf_len(&b), 0);
	assert_false(base64_decode(&b, bytes_of("Zm9vYg==", 8)));
	assert_int_equal(buf_len(&b), 0);
	assert_true(base64_decode(&b, bytes_of("Zm9v", 4)));
	buf_clear(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_go_both_ways),
		cmocka_unit_test(
		    malformed_input_is_refused_and_leaves_no_trace),
		cmocka_unit_test(a_length_that_cannot_be_is_refused),
		cmocka_unit_test(a_full_buffer_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
