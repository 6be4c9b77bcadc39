/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header fields with lines longer than any server takes. */
#include "tests/lib/check.h"

#include "base/str.h"
#include "mime/rfc2047.h"
#include "rewrite/lines.h"
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
a_word_that_no_line_holds_is_encoded_and_reads_the_same(void **state)
{
	(void)state;
	for (int len = 998; len < 3000; len += 7) {
		struct buf in, out, value, text;
		struct bytes charset;
		struct header *h;

		buf_init(&in, HEADER_MAX);
		buf_init(&out, HEADER_MAX);
		buf_init(&value, HEADER_MAX);
		buf_init(&text, HEADER_MAX);
		assert_true(buf_adds(&in, "Subject: "));
		if (len % 2 == 0)
			add_many(&in, "\xc3\xa4", len / 2);
		else
			add_many(&in, "a", len);
		assert_true(buf_adds(&in, "\r\n"));
		h = read_text(&in);
		assert_true(lines_has_long_word(h));
		assert_true(lines_fold(h));
		assert_false(lines_has_long_word(h));
		assert_true(header_write(h, &out));
		assert_true(decode_longest(buf_bytes(&out)) <= 84);
		assert_true(header_value(h, 0, &value));
		assert_true(
		    rfc2047_decode(&text, buf_bytes(&value), &charset) > 0);
		assert_true(bytes_eq(charset, "utf-8"));
		assert_int_equal(buf_len(&text), len);
		assert_memory_equal(
		    buf_str(&text), buf_str(&in) + strlen("Subject: "), len);
		header_free(h);
		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&value);
		buf_clear(&text);
	}
}

/* Without its blanks what comes out is what went in. */
static void
fields_with_a_grammar_are_folded_where_it_has_room(void **state)
{
	static const struct {
		const char *name, *first, *member, *last;
	} cases[] = {
		{ "To", "A <a@example.org>", ",b@example.org", "" },
		{ "Cc", "a@example.org", ",\"x,y\"<b@example.org>", "" },
		{ "References", "<a@example.org>", "<b@example.org>", "" },
		{ "In-Reply-To", "", "<b@example.org>", "" },
		{ "List-Unsubscribe", "<https://example.org/", "abcdefgh",
		    ">, <mailto:x@y>" },
		{ "DKIM-Signature",
		    "v=1; a=rsa-sha256; d=example.org; h=from:to;bh=YQ==;b=",
		    "abcdABCD", "; s=x" },
		{ "Content-Type", "multipart/mixed", ";a=\"b c\"",
		    ";boundary=x" },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct buf in, out;
		size_t k = 0;
		struct header *h;

		buf_init(&in, HEADER_MAX);
		buf_init(&out, HEADER_MAX);
		assert_true(
		    buf_addf(&in, "%s: %s", cases[c].name, cases[c].first));
		add_many(&in, cases[c].member, 400);
		assert_true(buf_addf(&in, "%s\r\n", cases[c].last));
		h = read_text(&in);
		assert_true(lines_fold(h));
		assert_int_equal(header_find(h, NULL, 1), HEADER_NONE);
		assert_true(header_write(h, &out));
		assert_true(decode_longest(buf_bytes(&out)) <= 998);
		for (size_t i = 0; i < buf_len(&out); i++) {
			if (strchr(" \r\n", buf_str(&out)[i]) != NULL)
				continue;
			while (strchr(" \r\n", buf_str(&in)[k]) != NULL)
				k++;
			assert_int_equal(buf_str(&in)[k++], buf_str(&out)[i]);
		}
		assert_int_equal(k, buf_len(&in) - 2);
		header_free(h);
		buf_clear(&in);
		buf_clear(&out);
	}
}

static void
a_description_is_text(void **state)
{
	struct buf in, out;
	struct header *h;

	(void)state;
	buf_init(&in, HEADER_MAX);
	buf_init(&out, HEADER_MAX);
	assert_true(buf_adds(&in, "Content-Description: "));
	add_many(&in, "x", 1200);
	assert_true(buf_adds(&in, "\r\n"));
	h = read_text(&in);
	assert_true(lines_fold(h));
	assert_true(header_write(h, &out));
	assert_true(decode_longest(buf_bytes(&out)) <= 998);
	assert_non_null(strstr(buf_str(&out), "=?utf-8?q?xxx"));
	assert_null(strstr(buf_str(&out), "X-Original-"));
	header_free(h);
	buf_clear(&in);
	buf_clear(&out);
}

static void
a_member_that_no_line_holds_is_told_elsewhere(void **state)
{
	static const struct {
		const char *before, *after, *out;
	} cases[] = {
		{ "References: <a@b> <", "@c> <d@e>",
		    "References: <a@b>  <d@e>\r\n" },
		{ "Content-Type: multipart/mixed; name=\"a b", "\"; boundary=x",
		    "Content-Type: multipart/mixed;  boundary=x\r\n" },
		{ "Content-Disposition: attachment; filename=", "",
		    "Content-Disposition: attachment\r\n" },
		{ "Received: from a by ", " with SMTP", "" },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct buf in, out;
		struct header *h;

		buf_init(&in, HEADER_MAX);
		buf_init(&out, HEADER_MAX);
		assert_true(buf_adds(&in, cases[c].before));
		add_many(&in, "x", 1200);
		assert_true(buf_addf(&in, "%s\r\n", cases[c].after));
		h = read_text(&in);
		assert_true(lines_fold(h));
		assert_true(header_write(h, &out));
		assert_true(decode_longest(buf_bytes(&out)) <= 998);
		assert_memory_equal(
		    buf_str(&out), cases[c].out, strlen(cases[c].out));
		assert_memory_equal(
		    buf_str(&out) + strlen(cases[c].out), "X-Original-", 11);
		header_free(h);
		buf_clear(&in);
		buf_clear(&out);
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
		    a_word_that_no_line_holds_is_encoded_and_reads_the_same),
		cmocka_unit_test(
		    fields_with_a_grammar_are_folded_where_it_has_room),
		cmocka_unit_test(a_description_is_text),
		cmocka_unit_test(a_member_that_no_line_holds_is_told_elsewhere),
		cmocka_unit_test(a_field_whose_name_fills_the_line_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
