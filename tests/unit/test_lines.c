/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header fields with lines longer than any server takes. */
#include "tests/lib/check.h"

#include "fixup/lines.h"
#include "tests/lib/decode.h"

static struct header *
read_text(const struct buf *text)
{
	struct header *h = header_new();

	header_put(h, buf_str(text), buf_len(text));
	header_end(h);
	return h;
}

static void
add_many(struct buf *to, const char *s, int n)
{
	while (n-- > 0)
		assert_true(buf_adds(to, s));
}

static void
short_fields_stay_and_long_ones_are_folded(void **state)
{
	struct buf in, out;
	struct header *h;

	(void)state;
	buf_init(&in, HEADER_MAX);
	buf_init(&out, HEADER_MAX);
	assert_true(buf_adds(&in, "SUBJECT :a  b\r\n c\r\nReferences:"));
	add_many(&in, " <a@example.org>", 200);
	assert_true(buf_adds(&in, "\r\nX-Fits: "));
	add_many(&in, "x", 998 - 8);
	assert_true(buf_adds(&in, "\r\n"));
	h = read_text(&in);
	assert_true(lines_fold(h));
	assert_true(header_write(h, &out));
	assert_int_equal(decode_longest(buf_bytes(&out)), 998);
	assert_true(decode_is_clean(buf_bytes(&out), true));
	assert_memory_equal(buf_str(&out),
	    "SUBJECT :a  b\r\n c\r\nReferences: <a@example.org>", 40);
	assert_non_null(strstr(buf_str(&out), "example.org>\r\n <a@"));
	header_free(h);
	buf_clear(&in);
	buf_clear(&out);
}

/* At every length around the limit, with and without blanks. */
static void
a_word_that_no_line_holds_is_cut_between_characters(void **state)
{
	(void)state;
	for (int len = 980; len < 3000; len += 7) {
		struct buf in, out, value;
		struct header *h;
		size_t chars = 0;

		buf_init(&in, HEADER_MAX);
		buf_init(&out, HEADER_MAX);
		buf_init(&value, HEADER_MAX);
		assert_true(buf_adds(&in, "X-Long: "));
		add_many(&in, "\xc3\xa4", len / 2);
		assert_true(buf_adds(&in, "\r\n"));
		h = read_text(&in);
		assert_true(lines_fold(h));
		assert_true(header_write(h, &out));
		assert_true(decode_longest(buf_bytes(&out)) <= 998);
		assert_true(header_value(h, 0, &value));
		for (size_t i = 0; i < buf_len(&value); i++) {
			char c = buf_str(&value)[i];

			chars += c == '\xa4';
			if (c == '\xc3')
				assert_int_equal(
				    buf_str(&value)[i + 1], '\xa4');
		}
		assert_int_equal(chars, len / 2);
		header_free(h);
		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&value);
	}
}

static void
a_field_whose_name_fills_the_line_goes(void **state)
{
	struct buf in, out;
	struct header *h;

	(void)state;
	buf_init(&in, HEADER_MAX);
	buf_init(&out, HEADER_MAX);
	add_many(&in, "N", 2000);
	assert_true(buf_adds(&in, ": x\r\nTo: a@b\r\n"));
	h = read_text(&in);
	assert_true(lines_fold(h));
	assert_true(header_write(h, &out));
	assert_buf(&out, "To: a@b\r\n");
	header_free(h);
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_fields_stay_and_long_ones_are_folded),
		cmocka_unit_test(
		    a_word_that_no_line_holds_is_cut_between_characters),
		cmocka_unit_test(a_field_whose_name_fills_the_line_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
