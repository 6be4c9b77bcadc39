/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R28: numbers, durations and sizes from text, every overflow checked; errors
 * and log lines as people read them. */
#include "tests/lib/check.h"

#include <errno.h>

#include "base/err.h"
#include "base/log.h"
#include "base/num.h"
#include "base/secret.h"

static void
numbers_are_taken_whole_or_not_at_all(void **state)
{
	static const char *bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1a",
		"18446744073709551616", "99999999999999999999" };
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(num_u64(bytes_str(bad[i]), &v));
	assert_int_equal(v, 7);
	assert_true(num_u64(bytes_str("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_false(num_u64_max(bytes_str("101"), 100, &v));
	assert_true(num_u64_max(bytes_str("100"), 100, &v));
}

static void
durations_and_sizes_have_units(void **state)
{
	int64_t ms = 7;
	uint64_t n = 7;

	(void)state;
	assert_true(num_duration_ms(bytes_str("90"), &ms) && ms == 90000);
	assert_true(num_duration_ms(bytes_str("5m"), &ms) && ms == 300000);
	assert_true(num_duration_ms(bytes_str("4H"), &ms) && ms == 14400000);
	assert_true(num_duration_ms(bytes_str("5d"), &ms) && ms == 432000000);
	assert_false(num_duration_ms(bytes_str("9223372036854775807"), &ms));
	assert_false(num_duration_ms(bytes_str("m"), &ms));
	assert_true(num_size_bytes(bytes_str("35M"), &n) && n == 35u << 20);
	assert_true(num_size_bytes(bytes_str("0"), &n) && n == 0);
	assert_false(num_size_bytes(bytes_str("17179869184G"), &n));
}

static void
an_error_is_one_sentence_with_context_in_front(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&err, "open %s", "x"), -1);
	assert_int_equal(err.os, ENOENT);
	assert_int_equal(err_ctx(&err, "message %d", 1), -1);
	assert_string_equal(
	    err.text, "message 1: open x: No such file or directory");
	assert_int_equal(err_set(NULL, ERR_DISK, "nobody asks"), -1);
}

static void
what_an_error_quotes_does_not_reach_the_terminal(void **state)
{
	struct err err;

	(void)state;
	IGNORE(err_set(&err, ERR_CONFIG, "unknown word \"%s\"",
	    "a\x1b[2J\n\x7f\xc2\x9b"
	    "caf\xc3\xa9"));
	assert_string_equal(err.text, "unknown word \"a?[2J????caf\xc3\xa9\"");
	errno = ENOENT;
	IGNORE(err_sys(&err, "open %s", "a\rb"));
	IGNORE(err_ctx(&err, "line\t%d", 1));
	assert_string_equal(
	    err.text, "line?1: open a?b: No such file or directory");
}

static void
keep_line(void *ctx, enum log_level level, const char *line, const char *kind)
{
	(void)kind;
	struct buf *b = ctx;

	(void)level;
	buf_reset(b);
	assert_true(buf_adds(b, line));
}

static void
a_log_line_cannot_be_forged(void **state)
{
	struct buf b;
	struct log_sink sink = { keep_line, &b };
	struct log_line l;

	(void)state;
	buf_init(&b, 10000);
	log_to(&sink);
	log_begin(&l, LOG_LEVEL_INFO, "sent");
	log_bytes(&l, "reply", bytes_str("ok\n2026 sent id=\"x\""));
	log_addr(&l, "to", "a\x1b@b");
	log_str(&l, "who", "a b");
	log_num(&l, "n", -3);
	log_end(&l);
	assert_buf(&b, "sent reply=\"ok\\x0a2026 sent id='x'\" to=<a\\x1b@b> "
		       "who=\"a b\" n=-3");
	buf_reset(&b);
	log_to(NULL);
	log_text(LOG_LEVEL_ERROR, "nobody listens");
	assert_int_equal(buf_len(&b), 0);
	buf_clear(&b);
}

static void
secrets_compare_by_value_and_have_a_limit(void **state)
{
	static char big[SECRET_MAX + 1];
	struct secret *a = secret_new(bytes_str("s3cret"));
	struct secret *b = secret_dup(a);
	struct secret *c = secret_new(bytes_str("s3creT"));

	(void)state;
	assert_true(secret_eq(a, b));
	assert_false(secret_eq(a, c));
	assert_string_equal(secret_bytes(b).p, "s3cret");
	assert_null(secret_new(bytes_of(big, sizeof(big))));
	assert_null(secret_dup(NULL));
	secret_free(a);
	secret_free(b);
	secret_free(c);
	secret_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_whole_or_not_at_all),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(
		    an_error_is_one_sentence_with_context_in_front),
		cmocka_unit_test(
		    what_an_error_quotes_does_not_reach_the_terminal),
		cmocka_unit_test(a_log_line_cannot_be_forged),
		cmocka_unit_test(secrets_compare_by_value_and_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
