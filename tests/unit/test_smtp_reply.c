/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R25: replies as honest, sloppy and hostile servers send them. */
#include "tests/lib/check.h"

#include "smtp/smtp_limits.h"
#include "smtp/smtp_reply.h"

static const struct row {
	const char *in;
	enum smtp_reply_result res;
	int code;
	const char *text;
	size_t left; /* bytes that belong to what follows */
} rows[] = {
	{ "250 ok\r\n", SMTP_REPLY_DONE, 250, "ok", 0 },
	{ "250 ok\n", SMTP_REPLY_DONE, 250, "ok", 0 },
	{ "250\r\n", SMTP_REPLY_DONE, 250, "", 0 },
	{ "250 \r\n", SMTP_REPLY_DONE, 250, "", 0 },
	{ "250\n", SMTP_REPLY_DONE, 250, "", 0 },
	{ "250-a\r\n250-\r\n250 b\r\n", SMTP_REPLY_DONE, 250, "a\n\nb", 0 },
	{ "250-a\r\n250\r\n", SMTP_REPLY_DONE, 250, "a\n", 0 },
	{ "250-a\n250 b\n250 c\n", SMTP_REPLY_DONE, 250, "a\nb", 6 },
	{ "550 5.1.1 \xff\xc3\xa9 no\r\n", SMTP_REPLY_DONE, 550,
	    "5.1.1 \xff\xc3\xa9 no", 0 },
	{ "354 go\r\r\n", SMTP_REPLY_DONE, 354, "go\r", 0 },
	{ "220-x\r\n", SMTP_REPLY_MORE, 220, "x", 0 },
	{ "250 ok\r", SMTP_REPLY_MORE, 0, "", 0 },
	{ "", SMTP_REPLY_MORE, 0, "", 0 },
	/* refusals with different codes: the last one counts */
	{ "550-5.7.1 a\r\n554 5.7.1 b\r\n", SMTP_REPLY_DONE, 554,
	    "5.7.1 a\n5.7.1 b", 0 },
	{ "550-a\r\n451-b\r\n450 c\r\n", SMTP_REPLY_DONE, 450, "a\nb\nc", 0 },
	/* a refusal with lines that have no code */
	{ "550-5.7.1 a\r\nsee https://x/\r\n550 5.7.1 b\r\n", SMTP_REPLY_DONE,
	    550, "5.7.1 a\nsee https://x/\n5.7.1 b", 0 },
	{ "452-a\r\n\r\n  b\r\n192.0.2.1 c\n203.0.113.7\n2026 d\n452\n",
	    SMTP_REPLY_DONE, 452,
	    "a\n\n  b\n192.0.2.1 c\n203.0.113.7\n2026 d\n", 0 },
	{ "550-a\r\nb\r\n554 c\r\n250 d\r\n", SMTP_REPLY_DONE, 554, "a\nb\nc",
	    7 },
	{ "550-a\r\nb\r\n", SMTP_REPLY_MORE, 550, "a\nb", 0 },
	{ "550-a\r\nb\r\n250 c\r\n", SMTP_REPLY_BAD, 550, "a\nb", 0 },
	{ "550-a\r\nb\r\n250-c\r\n550 d\r\n", SMTP_REPLY_BAD, 550, "a\nb", 7 },
	{ "250-a\r\nb\r\n250 c\r\n", SMTP_REPLY_BAD, 250, "a", 7 },
	{ "b\r\n550-a\r\n550 c\r\n", SMTP_REPLY_BAD, 0, "", 14 },
	/* continuation with another code */
	{ "250-a\r\n550 b\r\n", SMTP_REPLY_BAD, 250, "a", 0 },
	{ "550-a\r\n250 b\r\n", SMTP_REPLY_BAD, 550, "a", 0 },
	{ "250-a\r\n251 b\r\n", SMTP_REPLY_BAD, 250, "a", 0 },
	{ "250-a\r\n\r\n", SMTP_REPLY_BAD, 250, "a", 0 },
	/* no code */
	{ "\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "\n250 ok\r\n", SMTP_REPLY_BAD, 0, "", 8 },
	{ "2\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "25\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ " 250 ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "+50 ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "2x0 ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "150 ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "650 ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	/* no separator */
	{ "2500\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "250ok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "250\tok\r\n", SMTP_REPLY_BAD, 0, "", 0 },
	{ "HTTP/1.1 400 Bad Request\r\n", SMTP_REPLY_BAD, 0, "", 0 },
};

static void
parse_row(const void *p, size_t chunk)
{
	const struct row *row = p;
	size_t len = strlen(row->in), used = 0;
	enum smtp_reply_result res = SMTP_REPLY_MORE;
	struct smtp_reply r;

	smtp_reply_init(&r);
	while (res == SMTP_REPLY_MORE && used < len) {
		size_t n = len - used < chunk ? len - used : chunk, took;

		res = smtp_reply_put(&r, row->in + used, n, &took);
		assert_true(took == n || res != SMTP_REPLY_MORE);
		used += took;
	}
	assert_int_equal(res, row->res);
	assert_int_equal(len - used, row->left);
	if (res != SMTP_REPLY_BAD) {
		struct bytes text = smtp_reply_text(&r);

		assert_int_equal(r.code, row->code);
		assert_int_equal(text.n, strlen(row->text));
		assert_memory_equal(text.p, row->text, text.n);
	}
	smtp_reply_clear(&r);
}

static void
replies_are_read_the_same_at_every_chunk_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(parse_row, &rows[i], strlen(rows[i].in));
}

static void
a_parser_serves_for_the_next_reply_after_reset(void **state)
{
	struct smtp_reply r;
	size_t used;

	(void)state;
	smtp_reply_init(&r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(smtp_reply_put(&r, "250-a\r\n25", 9, &used),
		    SMTP_REPLY_MORE);
		smtp_reply_reset(&r);
		assert_int_equal(
		    smtp_reply_put(&r, "550 x\r\n", 7, &used), SMTP_REPLY_DONE);
		assert_int_equal(r.code, 550);
		assert_buf(&r.text, "x");
		smtp_reply_reset(&r);
	}
	smtp_reply_clear(&r);
}

/* Feeds the same piece again and again; returns how often until the end. */
static size_t
feed_until_end(const char *piece, size_t n, enum smtp_reply_result *ret)
{
	struct smtp_reply r;
	size_t used, count = 0;

	smtp_reply_init(&r);
	do {
		*ret = smtp_reply_put(&r, piece, n, &used);
		count++;
	} while (*ret == SMTP_REPLY_MORE && count < 1000000);
	assert_true(buf_len(&r.text) <= SMTP_REPLY_MAX);
	smtp_reply_clear(&r);
	return count;
}

static void
an_endless_reply_ends_at_the_caps(void **state)
{
	enum smtp_reply_result res;
	char line[1026];

	(void)state;
	assert_int_equal(
	    feed_until_end("250-x\r\n", 7, &res), SMTP_REPLY_LINES_MAX + 1);
	assert_int_equal(res, SMTP_REPLY_BAD);
	assert_int_equal(feed_until_end("2", 1, &res), SMTP_REPLY_LINE_MAX + 1);
	assert_int_equal(res, SMTP_REPLY_BAD);
	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	assert_int_equal(feed_until_end(line, sizeof(line), &res),
	    SMTP_REPLY_MAX / sizeof(line) + 1);
	assert_int_equal(res, SMTP_REPLY_BAD);
}

static void
a_line_over_the_greatest_length_is_refused_in_any_chunk(void **state)
{
	static char line[SMTP_REPLY_LINE_MAX + 3];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "250 ", 4);
	line[sizeof(line) - 2] = '\n';
	for (size_t cut = 0; cut < sizeof(line) - 1; cut += 511) {
		struct smtp_reply r;
		size_t used;

		smtp_reply_init(&r);
		if (cut > 0)
			assert_int_equal(smtp_reply_put(&r, line, cut, &used),
			    SMTP_REPLY_MORE);
		assert_int_equal(smtp_reply_put(&r, line + cut,
				     sizeof(line) - 1 - cut, &used),
		    SMTP_REPLY_BAD);
		smtp_reply_clear(&r);
	}
}

static void
a_line_of_the_greatest_length_is_taken_in_any_chunk(void **state)
{
	static char line[SMTP_REPLY_LINE_MAX + 2];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "250 ", 4);
	line[sizeof(line) - 2] = '\n';
	for (size_t cut = 0; cut < sizeof(line) - 1; cut += 511) {
		struct smtp_reply r;
		size_t used;

		smtp_reply_init(&r);
		if (cut > 0)
			assert_int_equal(smtp_reply_put(&r, line, cut, &used),
			    SMTP_REPLY_MORE);
		assert_int_equal(smtp_reply_put(&r, line + cut,
				     sizeof(line) - 1 - cut, &used),
		    SMTP_REPLY_DONE);
		smtp_reply_clear(&r);
	}
}

static void
enhanced_codes_are_taken_only_when_they_fit(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *want;
	} codes[] = {
		{ "5.1.1 no", 550, "5.1.1" },
		{ "5.1.1", 550, "5.1.1" },
		{ "4.123.999 x", 450, "4.123.999" },
		{ "2.0.0\nx", 250, "2.0.0" },
		{ "4.1.1 no", 550, "" }, /* another class */
		{ "5.1234.1 x", 550, "" },
		{ "5.1.1234 x", 550, "" },
		{ "5..1 x", 550, "" },
		{ "5.1. x", 550, "" },
		{ "5.1", 550, "" },
		{ "5.", 550, "" },
		{ "5", 550, "" },
		{ "", 550, "" },
		{ "5.1.1no", 550, "" },
		{ "5.1.1.2 x", 550, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct bytes have = smtp_reply_enhanced(
		    bytes_str(codes[i].text), codes[i].code);

		assert_int_equal(have.n, strlen(codes[i].want));
		assert_memory_equal(have.p, codes[i].want, have.n);
	}
}

static void
verdict_of(const char *in, struct verdict *v)
{
	struct smtp_reply r;
	size_t used;

	smtp_reply_init(&r);
	assert_int_equal(
	    smtp_reply_put(&r, in, strlen(in), &used), SMTP_REPLY_DONE);
	smtp_reply_verdict(&r, STAGE_RCPT, v);
	smtp_reply_clear(&r);
}

static void
a_reply_becomes_a_verdict(void **state)
{
	struct verdict v;
	char big[3000] = "550 5.7.1 ";

	(void)state;
	verdict_of("550-5.7.1 Gmail says\r\n550-5.7.1\r\n550-no\r\n"
		   "550 5.7.1 more\r\n",
	    &v);
	assert_int_equal(v.class, VERDICT_NEVER);
	assert_int_equal(v.stage, STAGE_RCPT);
	assert_int_equal(v.code, 550);
	assert_string_equal(v.enhanced, "5.7.1");
	assert_string_equal(v.text, "Gmail says no more");

	verdict_of("450\r\n", &v);
	assert_int_equal(v.class, VERDICT_LATER);
	assert_string_equal(v.enhanced, "");
	assert_string_equal(v.text, "");

	memset(big + 10, 'y', sizeof(big) - 13);
	memcpy(big + sizeof(big) - 3, "\r\n", 3);
	verdict_of(big, &v);
	assert_int_equal(strlen(v.text), VERDICT_TEXT_MAX - 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_read_the_same_at_every_chunk_size),
		cmocka_unit_test(
		    a_parser_serves_for_the_next_reply_after_reset),
		cmocka_unit_test(an_endless_reply_ends_at_the_caps),
		cmocka_unit_test(
		    a_line_over_the_greatest_length_is_refused_in_any_chunk),
		cmocka_unit_test(
		    a_line_of_the_greatest_length_is_taken_in_any_chunk),
		cmocka_unit_test(enhanced_codes_are_taken_only_when_they_fit),
		cmocka_unit_test(a_reply_becomes_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
