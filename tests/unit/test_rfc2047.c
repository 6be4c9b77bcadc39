/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R14: a full name is header-safe whatever it holds. */
#include "tests/lib/check.h"

#include <string.h>

#include "base/str.h"
#include "mime/rfc2047.h"

/* The name that rfc2047_mailbox() puts in front of an address. */
static bool
phrase(struct buf *to, struct bytes name)
{
	static const char addr[] = " <a@b>";
	size_t before = buf_len(to);

	if (!rfc2047_mailbox(to, name, bytes_of("a@b", 3)))
		return false;
	if (str_ends_with(buf_str(to), addr))
		buf_truncate(to, buf_len(to) - strlen(addr));
	else
		buf_truncate(to, before); /* there was no name */
	return true;
}

static void
names_are_written_in_the_plainest_form_that_is_safe(void **state)
{
	static const char *const rows[][2] = {
		{ "Joe Doe", "Joe Doe" },
		{ "", "" },
		{ "  \t ", "" },
		{ "Cron Daemon (root)", "\"Cron Daemon (root)\"" },
		{ "J. Doe", "\"J. Doe\"" },
		{ "Doe, Joe", "\"Doe, Joe\"" },
		{ "a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"" },
		{ "x\r\nBcc: victim@example.org",
		    "\"x  Bcc: victim@example.org\"" },
		{ "J\xc3\xb6rg", "=?utf-8?q?J=C3=B6rg?=" },
		{ "J\xc3\xb6rg (x)", "=?utf-8?q?J=C3=B6rg_=28x=29?=" },
		{ "=?utf-8?q?x?=", "=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=" },
		{ "latin \xe9", "=?utf-8?q?latin_=C3=A9?=" },
		{ "nul\x01", "nul" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, 200);
		assert_true(phrase(&b, bytes_str(rows[i][0])));
		assert_buf(&b, rows[i][1]);
		buf_clear(&b);
	}
}

static void
every_byte_in_a_name_comes_out_as_printable_ascii(void **state)
{
	struct buf b;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char name[] = "abc def";

		name[3] = (char)c;
		buf_init(&b, 200);
		assert_true(phrase(&b, bytes_of(name, 7)));
		assert_true(rfc2047_text(&b, bytes_of(name, 7)));
		for (size_t i = 0; i < buf_len(&b); i++)
			assert_in_range(buf_str(&b)[i], 0x20, 0x7e);
		buf_clear(&b);
	}
}

static void
encoded_words_are_short_and_never_split_a_character(void **state)
{
	char name[300];
	struct buf b;

	(void)state;
	for (size_t pad = 0; pad < 4; pad++) {
		size_t words = 0, at = 0;
		const char *p;

		memset(name, 'a', pad);
		for (at = pad; at + 3 < sizeof(name); at += 3)
			memcpy(name + at, "\xe2\x82\xac", 3);
		buf_init(&b, 3000);
		assert_true(rfc2047_text(&b, bytes_of(name, at)));
		for (p = buf_str(&b); *p != '\0'; words++) {
			size_t n = strcspn(p, " ");

			assert_true(n <= 75);
			assert_memory_equal(p, "=?utf-8?q?", 10);
			assert_memory_equal(p + n - 2, "?=", 2);
			/* whole characters: nine bytes each */
			assert_int_equal(
			    (n - 12 - (words == 0 ? pad : 0)) % 9, 0);
			p += n + (p[n] == ' ');
		}
		assert_true(words > 5);
		buf_clear(&b);
	}
}

static void
a_run_without_blanks_is_encoded_so_that_it_can_be_folded(void **state)
{
	char name[200];
	struct buf b;

	(void)state;
	memset(name, 'x', sizeof(name));
	buf_init(&b, 1000);
	assert_true(phrase(&b, bytes_of(name, sizeof(name))));
	for (const char *p = buf_str(&b); *p != '\0';) {
		size_t n = strcspn(p, " ");

		assert_true(n <= 75);
		p += n + (p[n] == ' ');
	}
	buf_clear(&b);
}

static void
a_mailbox_is_its_name_and_its_address(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_true(
	    rfc2047_mailbox(&b, bytes_of("A, B", 4), bytes_of("a@b", 3)));
	assert_buf(&b, "\"A, B\" <a@b>");
	buf_reset(&b);
	assert_true(rfc2047_mailbox(&b, bytes_of(" ", 1), bytes_of("a@b", 3)));
	assert_buf(&b, "a@b");
	buf_clear(&b);
}

/* PHP's mb_encode_mimeheader() and others write one word of any length. */
static void
an_encoded_word_that_no_line_can_hold_becomes_several(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 8192);
	buf_init(&out, 8192);
	assert_true(buf_adds(&in, "=?UTF-8?B?"));
	for (size_t i = 0; i < 302; i++) /* thrice the letter */
		assert_true(buf_adds(&in, "w7zDvMO8"));
	assert_true(buf_adds(&in, "?= x"));
	assert_true(rfc2047_mixed(&out, buf_bytes(&in)));
	assert_memory_equal(buf_str(&out), "=?UTF-8?q?=C3=BC=C3=BC", 22);
	assert_string_equal(buf_str(&out) + buf_len(&out) - 4, "?= x");
	assert_null(strstr(buf_str(&out), "=3D"));
	for (const char *p = buf_str(&out), *next; (next = strchr(p, ' '));
	     p = next + 1)
		assert_true(next - p <= 75);
	buf_clear(&in);
	buf_clear(&out);
}

static void
bytes_in_and_beside_words_are_encoded_with_them(void **state)
{
	static const char *const rows[][2] = {
		{ "x \xfc =?utf-8?q?a?=", "x \xfc =?utf-8?q?a?=" },
		{ "=?iso-8859-1?Q?\xfc?=", "=?iso-8859-1?q?=FC?=" },
		{ "=?utf-8?q?a?=\xc3\xbc", "=?utf-8?q?a?= =?utf-8?q?=C3=BC?=" },
		{ "\xfc=?utf-8?q?a?= b", "=?utf-8?q?=C3=BC?= =?utf-8?q?a?= b" },
		{ "x =1\xfc=?utf-8?q?a?==?utf-8?q?b?=",
		    "x =?utf-8?q?=3D1=C3=BC?= =?utf-8?q?a?==?utf-8?q?b?=" },
		{ "=?utf-8?q?a?=\xc2\xa0=?utf-8?q?b?=",
		    "=?utf-8?q?a?= =?utf-8?q?=C2=A0?= =?utf-8?q?b?=" },
		{ "\"=?utf-8?q?a?=\xfc\", \xfc@b",
		    "\"=?utf-8?q?a?= =?utf-8?q?=C3=BC?=\", \xfc@b" },
		{ "x=?utf-8?q?a?=y \xfc", "x=?utf-8?q?a?=y \xfc" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, 9 * strlen(rows[i][0]));
		assert_true(rfc2047_mend(&b, bytes_str(rows[i][0])));
		assert_buf(&b, rows[i][1]);
		buf_clear(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    names_are_written_in_the_plainest_form_that_is_safe),
		cmocka_unit_test(
		    every_byte_in_a_name_comes_out_as_printable_ascii),
		cmocka_unit_test(
		    encoded_words_are_short_and_never_split_a_character),
		cmocka_unit_test(
		    a_run_without_blanks_is_encoded_so_that_it_can_be_folded),
		cmocka_unit_test(a_mailbox_is_its_name_and_its_address),
		cmocka_unit_test(
		    bytes_in_and_beside_words_are_encoded_with_them),
		cmocka_unit_test(
		    an_encoded_word_that_no_line_can_hold_becomes_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
