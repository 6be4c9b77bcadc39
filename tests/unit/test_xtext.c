/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 3461 4: "+" and "=" are always encoded, controls never decoded (R8). */
#include "tests/lib/check.h"

#include "mail/xtext.h"

static struct bytes
b(const char *s)
{
	return bytes_str(s);
}

static void
every_printable_byte_comes_back(void **state)
{
	struct buf coded, plain;
	char all[256];
	size_t n = 0;

	(void)state;
	for (unsigned c = 0x20; c < 256; c++)
		if (c != 0x7f)
			all[n++] = (char)c;
	buf_init(&coded, 2000);
	buf_init(&plain, 2000);
	assert_true(xtext_encode(&coded, bytes_of(all, n)));
	assert_non_null(strstr(buf_str(&coded), "+2B"));
	assert_non_null(strstr(buf_str(&coded), "+3D"));
	assert_null(memchr(buf_str(&coded), '=', buf_len(&coded)));
	assert_null(memchr(buf_str(&coded), ' ', buf_len(&coded)));
	assert_true(xtext_decode(&plain, buf_bytes(&coded)));
	assert_int_equal(buf_len(&plain), n);
	assert_memory_equal(buf_str(&plain), all, n);
	buf_clear(&coded);
	buf_clear(&plain);
}

static void
malformed_and_dangerous_text_is_not_decoded(void **state)
{
	static const char *const rows[] = { "a b", "+", "+2", "a+2", "+2b",
		"+g0", "=", "+00", "+0A", "+0D", "+7F", "a\x7f", "\xc3" };
	struct buf to;

	(void)state;
	buf_init(&to, 100);
	assert_true(buf_adds(&to, "kept"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_false(xtext_decode(&to, b(rows[i])));
		assert_buf(&to, "kept");
	}
	assert_true(xtext_decode(&to, b("")));
	assert_true(xtext_decode(&to, b("a@b+2Bc+C3")));
	assert_buf(&to, "kepta@b+c\xc3");
	buf_clear(&to);
}

static void
a_full_buffer_keeps_nothing_of_it(void **state)
{
	struct buf to;

	(void)state;
	buf_init(&to, 4);
	assert_false(xtext_encode(&to, b("ab+")));
	assert_int_equal(buf_len(&to), 0);
	assert_false(xtext_decode(&to, b("abcde")));
	assert_int_equal(buf_len(&to), 0);
	buf_clear(&to);
}

static void
xtext_hides_no_control_character(void **state)
{
	static const char *const good[] = { "a", "a+2Bb", "a+20b", "+C3+A9",
		"<a@b>", "a+3Db" };
	static const char *const bad[] = { "", "a b", "a=b", "a+", "a+2",
		"a+2b", "a+GG", "+00", "+0A", "+0D", "+1F", "+7F", "\xc3\xa9",
		"\x7f", "\x01" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(xtext_is_valid(b(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(xtext_is_valid(b(bad[i])));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_printable_byte_comes_back),
		cmocka_unit_test(malformed_and_dangerous_text_is_not_decoded),
		cmocka_unit_test(a_full_buffer_keeps_nothing_of_it),
		cmocka_unit_test(xtext_hides_no_control_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
