/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <string.h>

#include "ctl/ctl_json.h"
#include "ctl/ctl_row.h"

static int
read_row(struct ctl_row *r, const char *text)
{
	return ctl_row_read(r, bytes_str(text), NULL);
}

static void
members_of_each_kind_are_found(void **state)
{
	struct ctl_row r;

	(void)state;
	ctl_row_init(&r);
	assert_int_equal(0,
	    read_row(&r,
		"{\"id\":\"a1\",\"n\":42,\"less\":-7,\"gone\":null,"
		"\"yes\":true,\"no\":false,\"to\":[\"x@y\",\"z\"],\"none\":[],"
		"\"empty\":\"\"}"));
	assert_string_equal(ctl_row_text(&r, "id"), "a1");
	assert_int_equal(ctl_row_number(&r, "n"), 42);
	assert_int_equal(ctl_row_number(&r, "less"), -7);
	assert_false(ctl_row_has(&r, "gone"));
	assert_true(ctl_row_has(&r, "n"));
	assert_false(ctl_row_has(&r, "other"));
	assert_true(ctl_row_is_true(&r, "yes"));
	assert_false(ctl_row_is_true(&r, "no"));
	assert_string_equal(ctl_row_text(&r, "to"), "x@y");
	assert_string_equal(ctl_row_text(&r, "none"), "");
	assert_string_equal(ctl_row_text(&r, "empty"), "");
	/* Of another kind: nothing. */
	assert_string_equal(ctl_row_text(&r, "n"), "");
	assert_int_equal(ctl_row_number(&r, "id"), 0);
	assert_false(ctl_row_is_true(&r, "to"));
	ctl_row_clear(&r);
}

static void
the_next_item_takes_the_place_of_the_last(void **state)
{
	struct ctl_row r;

	(void)state;
	ctl_row_init(&r);
	assert_int_equal(0, read_row(&r, "{\"a\":1,\"b\":\"x\"}"));
	assert_int_equal(0, read_row(&r, "{\"c\":2}"));
	assert_false(ctl_row_has(&r, "a"));
	assert_int_equal(ctl_row_number(&r, "c"), 2);
	assert_int_equal(0, read_row(&r, "{}"));
	assert_false(ctl_row_has(&r, "c"));
	ctl_row_clear(&r);
}

static void
escapes_mean_what_json_says(void **state)
{
	struct ctl_row r;

	(void)state;
	ctl_row_init(&r);
	assert_int_equal(
	    0, read_row(&r,
		   "{\"a\":\"say \\\"hi\\\" \\\\ \\n\",\"b\":\"\\u00e9\\ud83d"
		   "\\ude00\",\"c\":[\"\\\\\"],\"d\":\"plain\"}"));
	assert_string_equal(ctl_row_text(&r, "a"), "say \"hi\" \\ \n");
	assert_string_equal(ctl_row_text(&r, "b"), "\xc3\xa9\xf0\x9f\x98\x80");
	assert_string_equal(ctl_row_text(&r, "c"), "\\");
	assert_string_equal(ctl_row_text(&r, "d"), "plain");
	ctl_row_clear(&r);
}

static void
what_is_no_item_is_refused_and_leaves_nothing(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{\"a\"}", "{\"a\":}",
		"{\"a\":1", "{\"a\":1,}", "{\"a\":1}}", "{\"a\":1} ",
		"{\"a\":\"x}", "{\"a\":\"x\\\"}", "{\"a\":{\"b\":1}}",
		"{\"a\":[1]}", "{\"a\":[\"x\"}", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\q\"}", "{\"a\":1\"b\":2}", "{\"a\":\"x\"\"b\":2}",
		"{\"a\":\"\\", "x" };
	struct ctl_row r;

	(void)state;
	ctl_row_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(0, read_row(&r, "{\"a\":1}"));
		if (read_row(&r, bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_false(ctl_row_has(&r, "a"));
	}
	assert_int_equal(
	    -1, ctl_row_read(&r, bytes_of("{\"a\":\"\0\"}", 9), NULL));
	ctl_row_clear(&r);
}

static void
more_members_than_a_row_has_are_refused(void **state)
{
	struct ctl_row r;
	struct buf b;

	(void)state;
	ctl_row_init(&r);
	buf_init(&b, 4096);
	assert_true(buf_addc(&b, '{'));
	for (int i = 0; i < CTL_ROW_MEMBERS_MAX; i++)
		ctl_json_add_number(&b, "n", i);
	assert_true(buf_addc(&b, '}'));
	assert_int_equal(0, ctl_row_read(&r, buf_bytes(&b), NULL));
	buf_truncate(&b, buf_len(&b) - 1);
	ctl_json_add_number(&b, "n", 0);
	assert_true(buf_addc(&b, '}'));
	assert_int_equal(-1, ctl_row_read(&r, buf_bytes(&b), NULL));
	buf_clear(&b);
	ctl_row_clear(&r);
}

/* Whatever ctl_json.h writes is read as it was. */
static void
what_the_daemon_writes_is_read_back(void **state)
{
	static const char *const texts[] = { "", "plain", "a\"b", "back\\slash",
		"tab\tline\n", "\x01\x7f", "gr\xc3\xbc\xc3\x9f",
		"\xff broken" };
	struct ctl_row r;
	struct buf b;

	(void)state;
	ctl_row_init(&r);
	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *as = ctl_json_text(texts[i]);

		buf_reset(&b);
		assert_true(buf_addc(&b, '{'));
		ctl_json_add_text(&b, "t", texts[i]);
		ctl_json_add_texts(&b, "list", &texts[i], 1);
		ctl_json_add_number(&b, "n", -(int64_t)i);
		ctl_json_add_raw(&b, "r", "null");
		assert_true(buf_addc(&b, '}'));
		assert_int_equal(0, ctl_row_read(&r, buf_bytes(&b), NULL));
		assert_string_equal(
		    ctl_row_text(&r, "t"), json_string_value(as));
		assert_string_equal(
		    ctl_row_text(&r, "list"), json_string_value(as));
		assert_int_equal(ctl_row_number(&r, "n"), -(int64_t)i);
		assert_false(ctl_row_has(&r, "r"));
		json_decref(as);
	}
	buf_clear(&b);
	ctl_row_clear(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_of_each_kind_are_found),
		cmocka_unit_test(the_next_item_takes_the_place_of_the_last),
		cmocka_unit_test(escapes_mean_what_json_says),
		cmocka_unit_test(what_is_no_item_is_refused_and_leaves_nothing),
		cmocka_unit_test(more_members_than_a_row_has_are_refused),
		cmocka_unit_test(what_the_daemon_writes_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
