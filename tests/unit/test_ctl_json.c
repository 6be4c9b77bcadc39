/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdint.h>

#include "ctl/ctl_json.h"

/* What was written by hand reads back as what it was. */
static void
members_read_back_as_they_were(void **state)
{
	static const char *const texts[] = { "", "plain text", "a \"quote\"",
		"back\\slash", "a\ttab and\na line", "\x7f", "na\xc3\xafve",
		"{", "[", ",", "\xff is no UTF-8" };
	static const int64_t numbers[] = { 0, 1, -1, 42, INT64_MAX, INT64_MIN };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
			struct buf b;
			json_t *want, *got = NULL;

			buf_init(&b, 4096);
			assert_true(buf_addc(&b, '{'));
			ctl_json_add_text(&b, "text", texts[i]);
			ctl_json_add_number(&b, "number", numbers[k]);
			ctl_json_add_texts(&b, "none", NULL, 0);
			ctl_json_add_texts(
			    &b, "two", (const char *[]) { texts[i], "x" }, 2);
			ctl_json_add_raw(&b, "null", "null");
			ctl_json_add_text(&b, "nothing", NULL);
			assert_true(buf_addc(&b, '}'));
			assert_int_equal(
			    ctl_json_decode(buf_bytes(&b), &got, &err), 0);
			want = json_pack("{s:o, s:I, s:[], s:[o, s], s:n, s:s}",
			    "text", ctl_json_text(texts[i]), "number",
			    (json_int_t)numbers[k], "none", "two",
			    ctl_json_text(texts[i]), "x", "null", "nothing",
			    "");
			assert_non_null(want);
			assert_true(json_equal(got, want));
			json_decref(want);
			json_decref(got);
			buf_clear(&b);
		}
}

/* R8: a verb and what it is about are one line and one object, whatever bytes
 * they hold and whoever wrote them down. */
static void
no_byte_ends_a_line_or_a_text(void **state)
{
	struct err err;

	(void)state;
	for (int c = 1; c < 256; c++)
		for (size_t at = 0; at < 4; at++) {
			char text[8] = "abc";
			json_t *want, *got = NULL;
			struct buf line, hand;

			memmove(text + at + 1, text + at, 4 - at);
			text[at] = (char)c;
			buf_init(&line, 4096);
			buf_init(&hand, 4096);
			want = json_pack("{s:o}", "verb", ctl_json_text(text));
			assert_true(ctl_json_encode(&line, want));
			assert_true(buf_addc(&hand, '{'));
			ctl_json_add_text(&hand, "verb", text);
			assert_true(buf_adds(&hand, "}\n"));
			for (size_t i = 0; i + 1 < buf_len(&line); i++)
				assert_true(
				    (unsigned char)buf_str(&line)[i] >= ' ');
			for (size_t i = 0; i + 1 < buf_len(&hand); i++)
				assert_true(
				    (unsigned char)buf_str(&hand)[i] >= ' ');
			assert_int_equal(
			    ctl_json_decode(buf_bytes(&line), &got, &err), 0);
			assert_true(json_equal(got, want));
			json_decref(got);
			assert_int_equal(
			    ctl_json_decode(buf_bytes(&hand), &got, &err), 0);
			assert_true(json_equal(got, want));
			json_decref(got);
			json_decref(want);
			buf_clear(&line);
			buf_clear(&hand);
		}
}

static void
a_full_buffer_is_never_written_past_its_end(void **state)
{
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 64; max++) {
		buf_init(&b, max);
		ctl_json_add_text(&b, "text", "some \"quoted\" text");
		ctl_json_add_number(&b, "number", 1234567);
		assert_true(buf_len(&b) <= max);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_read_back_as_they_were),
		cmocka_unit_test(no_byte_ends_a_line_or_a_text),
		cmocka_unit_test(a_full_buffer_is_never_written_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
