/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdint.h>

#include "ctl/ctl_json.h"

/* Whatever a message brought along, its object arrives as one line. */
static void
a_message_reads_back_as_it_was(void **state)
{
	static const char *const texts[] = { "", "plain text", "a \"quote\"",
		"back\\slash", "a\ttab and\na line", "\x7f", "na\xc3\xafve",
		"{", "[", ",", "\xff is no UTF-8" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (int waits = 0; waits < 2; waits++) {
			struct ctl_message m = { .id = "id",
				.state = "due",
				.sender = texts[i],
				.rcpt = texts[i],
				.reason = texts[i],
				.account = waits ? texts[i] : NULL,
				.nrcpts = 3,
				.size_bytes = UINT64_C(1) << 40,
				.arrived_s = 2000,
				.now_s = 1990, /* a clock that was set back */
				.next_s = waits ? 60 : -1,
				.uid = UINT32_MAX };
			json_t *item = ctl_json_message(&m), *got = NULL;
			struct buf line;

			buf_init(&line, 4096);
			assert_non_null(item);
			assert_true(ctl_json_encode(&line, item));
			assert_int_equal(
			    ctl_json_decode(buf_bytes(&line), &got, &err), 0);
			assert_true(json_equal(got, item));
			assert_int_equal(
			    json_integer_value(json_object_get(got, "age")), 0);
			assert_int_equal(
			    json_integer_value(json_object_get(got, "uid")),
			    UINT32_MAX);
			assert_int_equal(
			    json_is_null(json_object_get(got, "next_try")),
			    !waits);
			assert_int_equal(
			    json_is_null(json_object_get(got, "account")),
			    !waits);
			json_decref(got);
			json_decref(item);
			buf_clear(&line);
		}
}

/* R8: a verb and what it is about are one line and one object, whatever bytes
 * they hold. */
static void
no_byte_ends_a_line_or_a_text(void **state)
{
	struct err err;

	(void)state;
	for (int c = 1; c < 256; c++)
		for (size_t at = 0; at < 4; at++) {
			char text[8] = "abc";
			json_t *want, *got = NULL;
			struct buf line;

			memmove(text + at + 1, text + at, 4 - at);
			text[at] = (char)c;
			buf_init(&line, 4096);
			want = json_pack("{s:o}", "verb", ctl_json_text(text));
			assert_true(ctl_json_encode(&line, want));
			for (size_t i = 0; i + 1 < buf_len(&line); i++)
				assert_true(
				    (unsigned char)buf_str(&line)[i] >= ' ');
			assert_int_equal(
			    ctl_json_decode(buf_bytes(&line), &got, &err), 0);
			assert_true(json_equal(got, want));
			json_decref(got);
			json_decref(want);
			buf_clear(&line);
		}
}

static void
a_full_buffer_is_left_as_it_was(void **state)
{
	json_t *value = json_pack(
	    "{s:s, s:i}", "text", "some \"quoted\" text", "number", 1234567);

	(void)state;
	for (size_t max = 0; max < 49; max++) {
		struct buf b;

		buf_init(&b, max);
		assert_false(ctl_json_encode(&b, value));
		assert_int_equal(buf_len(&b), 0);
		buf_clear(&b);
	}
	json_decref(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_reads_back_as_it_was),
		cmocka_unit_test(no_byte_ends_a_line_or_a_text),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
