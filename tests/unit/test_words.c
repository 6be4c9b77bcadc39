/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoded words as readers show them. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "mime/words.h"

static void
words_are_read_as_readers_do(void **state)
{
	static const struct {
		const char *in, *out;
		enum words_read how;
	} rows[] = {
		{ "", "", WORDS_UTF8 },
		{ "plain =? text ?=", "plain =? text ?=", WORDS_UTF8 },
		{ "=?utf-8?q?J=C3=B6_x?=", "J\xc3\xb6 x", WORDS_UTF8 },
		{ "=?UTF-8*de?Q?a?= =?utf-8?b?Yg==?= c", "ab c", WORDS_UTF8 },
		{ "=?utf-8?B?Yg?=", "b", WORDS_UTF8 },
		{ "\"=?utf-8?q?a=40b?=\"", "\"a@b\"", WORDS_UTF8 },
		{ "=?iso-8859-1?q?=F6?=", "\xc3\xb6", WORDS_UTF8 },
		{ "=?us-ascii?q?a b?=", "a b", WORDS_UTF8 },
		{ "=?koi8-r?q?=C1@?=", "\xc1@", WORDS_BYTES },
		{ "=?iso-2022-jp?b?GyRCQEAbKEJA?=", "@", WORDS_BYTES },
		{ "=?utf-7?q?a+AEA-b?=", "", WORDS_HIDDEN },
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=", WORDS_UTF8 },
		{ "=?utf-8?q?a=4?=", "a=4", WORDS_UTF8 },
		{ "=?utf-8?b?!!!?=", "!!!", WORDS_UTF8 },
		{ "=?utf-8?q?a", "=?utf-8?q?a", WORDS_UTF8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out;

		buf_init(&out, 100);
		assert_int_equal(
		    words_read(&out, bytes_str(rows[i].in)), rows[i].how);
		assert_buf(&out, rows[i].out);
		buf_clear(&out);
	}
	assert_true(words_has(bytes_of("a =?", 4)));
	assert_false(words_has(bytes_of("a = ?", 5)));
}

/* Of the exact size, so that the sanitizer sees a step beyond the end. */
static void
every_prefix_is_survived(void **state)
{
	static const char text[] = "=?utf-8*x?q?a=40=?= \t=?iso-2022-jp?B?GyRC"
				   "QEA=?= =?x?b?Y Q?= =?=?=?q?\?=";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n > 0 ? n : 1);
		struct buf out;

		memcpy(copy, text, n);
		buf_init(&out, 1000);
		(void)words_read(&out, bytes_of(copy, n));
		buf_clear(&out);
		free(copy);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_read_as_readers_do),
		cmocka_unit_test(every_prefix_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
