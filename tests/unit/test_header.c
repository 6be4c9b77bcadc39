/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R78, R14: headers are bounded, come back byte for byte, and no value can
 * start another field. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "mail/header.h"

static struct bytes
b(const char *s)
{
	return bytes_str(s);
}

/* Reads text in chunks; returns how many bytes the header took. */
static size_t
read_chunks(struct header *h, struct bytes text, size_t chunk)
{
	size_t at = 0;

	while (at < text.n && header_state(h) == HEADER_MORE) {
		size_t n = text.n - at < chunk ? text.n - at : chunk;
		size_t taken = header_put(h, text.p + at, n);

		assert_true(taken == n || header_state(h) != HEADER_MORE);
		at += taken;
	}
	if (at == text.n)
		header_end(h);
	return at;
}

static struct header *
read_text(const char *text)
{
	struct header *h = header_new();

	read_chunks(h, b(text), strlen(text) + 1);
	return h;
}

static void
assert_written(const struct header *h, const char *expect)
{
	struct buf out;

	buf_init(&out, 4 * HEADER_MAX);
	assert_true(header_write(h, &out));
	assert_buf(&out, expect);
	buf_clear(&out);
}

static const struct row {
	const char *in;
	const char *fields; /* what is written */
	const char *body; /* what is left, taken or not */
	bool has_blank;
} rows[] = {
	{ "A: b\r\nC: d\r\n\r\nbody\r\n", "A: b\r\nC: d\r\n", "body\r\n",
	    true },
	{ "A: b\r\n\r\n", "A: b\r\n", "", true },
	{ "A: b\r\n", "A: b\r\n", "", false },
	{ "A: b", "A: b\r\n", "", false },
	{ "A:", "A:\r\n", "", false },
	{ "", "", "", false },
	{ "\r\nbody", "", "body", true },
	{ "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n\r\nx",
	    "A: b\r\n c\r\n\td\r\nE: f\r\n", "\r\nx", true },
	{ "A : b\r\nC\t:d\r\n\r\n", "A : b\r\nC\t:d\r\n", "", true },
	{ "A: b\r\n \r\n c\r\n\r\nx", "A: b\r\n \r\n c\r\n", "x", true },
	{ "A: b\nC: d\n\nbody\n", "A: b\nC: d\n", "body\n", true },
	/* no field: the body begins there */
	{ "hello\r\nA: b\r\n", "", "hello\r\nA: b\r\n", false },
	{ " A: b\r\n", "", " A: b\r\n", false },
	{ ": b\r\n", "", ": b\r\n", false },
	{ "A: b\r\nhello you\r\nC: d\r\n", "A: b\r\n", "hello you\r\nC: d\r\n",
	    false },
	{ "A: b\r\nhello", "A: b\r\n", "hello", false },
	{ "A\xc3\xb6: b\r\n", "", "A\xc3\xb6: b\r\n", false },
	{ "hello\r\n\r\n", "", "hello\r\n\r\n", false },
	/* mbox */
	{ "From me Fri Aug 21\r\nA: b\r\n\r\nx", "A: b\r\n", "x", true },
	{ ">From me Fri Aug 21\r\nA: b\r\n\r\nx", "A: b\r\n", "x", true },
	{ "From here to there\r\n\r\nx", "", "From here to there\r\n\r\nx",
	    false },
	{ "From here\r\nto there\r\n", "", "From here\r\nto there\r\n", false },
	{ "From here\r\n to there\r\n", "", "From here\r\n to there\r\n",
	    false },
	{ "From here\r\n", "", "From here\r\n", false },
	{ "From here", "", "From here", false },
	{ "From : a@b\r\n\r\n", "From : a@b\r\n", "", true },
	{ "A: b\r\nFrom me Fri\r\n", "A: b\r\n", "From me Fri\r\n", false },
	{ "From a\r\nFrom b\r\nA: b\r\n", "", "From a\r\nFrom b\r\nA: b\r\n",
	    false },
};

static void
check_row(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	struct header *h = header_new();
	size_t taken = read_chunks(h, b(row->in), chunk);
	struct bytes rest = header_rest(h);
	struct buf body;

	assert_int_equal(header_state(h), HEADER_DONE);
	assert_int_equal(header_has_blank(h), row->has_blank);
	assert_written(h, row->fields);
	buf_init(&body, 1000);
	assert_true(buf_add(&body, rest.p, rest.n));
	assert_true(buf_adds(&body, row->in + taken));
	assert_buf(&body, row->body);
	buf_clear(&body);
	header_free(h);
}

static void
headers_end_where_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], strlen(rows[i].in));
}

/* --- properties ----------------------------------------------------------- */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static size_t
random_header(char *out, size_t size, uint32_t *seed)
{
	static const char *const bits[] = { "A: x\r\n", "Subject:y\r\n",
		" folded\r\n", "\ttab\r\n", "Bcc : z\r\n", "X-\xc3:a\r\n",
		"Long-Name-Of-Field:\r\n", " \r\n", "To: \xff\xfe\r\n",
		"A: 1\n", "\x01: b\r\n", "no field\r\n", "From x\r\n", "a:" };
	size_t n = 0;

	for (uint32_t k = next_random(seed) % 12; k > 0; k--) {
		const char *bit = bits[next_random(seed) % ARRAY_LEN(bits)];

		if (n + strlen(bit) >= size)
			break;
		memcpy(out + n, bit, strlen(bit));
		n += strlen(bit);
	}
	return n;
}

static void
random_headers_come_back_byte_for_byte(void **state)
{
	uint32_t seed = 42;
	char text[512];
	struct buf out;

	(void)state;
	buf_init(&out, 2000);
	for (int i = 0; i < 3000; i++) {
		size_t n = random_header(text, sizeof(text), &seed);
		size_t chunk = 1 + next_random(&seed) % (n + 1), taken;
		struct header *h = header_new();
		size_t from = 0;

		taken = read_chunks(h, bytes_of(text, n), chunk);
		buf_reset(&out);
		assert_true(header_write(h, &out));
		/* fields, [blank line], rest, what was not taken: is all */
		if (header_has_blank(h))
			assert_true(buf_adds(
			    &out, text[taken - 2] == '\r' ? "\r\n" : "\n"));
		assert_true(buf_add(&out, header_rest(h).p, header_rest(h).n));
		assert_true(buf_add(&out, text + taken, n - taken));
		/* but for a leading mbox line and a missing last line end */
		if (buf_len(&out) < n && (memcmp(text, "From ", 5) == 0))
			from = 8;
		assert_true(buf_len(&out) >= n - from);
		assert_memory_equal(buf_str(&out), text + from, n - from);
		if (buf_len(&out) != n - from)
			assert_string_equal(buf_str(&out) + n - from, "\r\n");
		header_free(h);
	}
	buf_clear(&out);
}

/* --- limits --------------------------------------------------------------- */

static struct header *
read_fields(size_t count, size_t length, bool is_folded)
{
	struct header *h = header_new();
	char *line = malloc(length + 1);

	memset(line, 'x', length);
	memcpy(line, "A: ", 3);
	memcpy(line + length - 2, "\r\n", 2);
	for (size_t i = 0; i < count && header_state(h) == HEADER_MORE; i++) {
		header_put(h, line, length);
		if (is_folded)
			line[0] = ' ';
	}
	header_end(h);
	free(line);
	return h;
}

static void
a_header_over_a_limit_says_so(void **state)
{
	static const struct {
		size_t count, length;
		bool is_folded;
		enum header_state end;
	} cases[] = {
		{ 1, 102401, false, HEADER_DONE },
		{ 1, HEADER_MAX, false, HEADER_DONE },
		{ 1, HEADER_MAX + 1, false, HEADER_TOO_BIG },
		{ 1, HEADER_MAX + 1000, false, HEADER_TOO_BIG },
		{ HEADER_MAX / 128, 128, true, HEADER_DONE },
		{ HEADER_MAX / 128 + 1, 128, true, HEADER_TOO_BIG },
		{ HEADER_MAX / 1024, 1024, false, HEADER_DONE },
		{ HEADER_MAX / 1024 + 1, 1024, false, HEADER_TOO_BIG },
		{ HEADER_FIELDS_MAX, 6, false, HEADER_DONE },
		{ HEADER_FIELDS_MAX + 1, 6, false, HEADER_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct header *h = read_fields(
		    cases[i].count, cases[i].length, cases[i].is_folded);

		assert_int_equal(header_state(h), cases[i].end);
		header_free(h);
	}
}

static void
an_endless_line_that_is_no_field_is_body(void **state)
{
	enum { N = 2 * HEADER_MAX };
	char *text = malloc(N);
	struct header *h;

	(void)state;
	memset(text, 'x', N);
	for (size_t chunk = 1000; chunk <= N; chunk *= 7) {
		size_t taken;

		h = header_new();
		taken = read_chunks(h, bytes_of(text, N), chunk);
		assert_int_equal(header_state(h), HEADER_DONE);
		assert_int_equal(header_rest(h).n, taken);
		assert_true(taken <= HEADER_MAX + 1025);
		header_free(h);
	}
	free(text);
}

static void
a_full_header_still_takes_what_we_add(void **state)
{
	struct header *h = read_fields(HEADER_MAX / 1024, 1024, false);
	size_t n = header_count(h);

	(void)state;
	assert_true(header_prepend(h, "Received", b("from here")));
	assert_true(header_append(h, "Date", b("today")));
	assert_int_equal(header_count(h), n + 2);
	assert_int_equal(header_find(h, "received", 0), 0);
	assert_int_equal(header_find(h, "DATE", 0), n + 1);
	header_free(h);
}

/* --- looking and changing ------------------------------------------------- */

static void
fields_are_found_whatever_their_case(void **state)
{
	struct header *h = read_text(
	    "To: a\r\nBCC : b,\r\n  c \r\nto:d\r\nTom: e\r\n\r\n");
	struct buf value;

	(void)state;
	buf_init(&value, 100);
	assert_int_equal(header_find(h, "TO", 0), 0);
	assert_int_equal(header_find(h, "TO", 1), 2);
	assert_int_equal(header_find(h, "TO", 3), HEADER_NONE);
	assert_int_equal(header_find(h, "bcc", 0), 1);
	assert_int_equal(header_find(h, NULL, 3), 3);
	assert_true(header_value(h, 1, &value));
	assert_buf(&value, "b,  c");
	assert_true(bytes_eq(header_at(h, 1).body, " b,\r\n  c "));
	assert_true(bytes_eq(header_at(h, 1).raw, "BCC : b,\r\n  c \r\n"));
	buf_clear(&value);
	buf_init(&value, 3);
	assert_false(header_value(h, 1, &value));
	assert_int_equal(buf_len(&value), 0);
	buf_clear(&value);
	header_free(h);
}

static void
fields_are_removed_replaced_and_put_in_front(void **state)
{
	struct header *h = read_text(
	    "A: 1\r\nB: 2\r\n x\r\nb: 3\r\nC: 4\r\n\r\n");

	(void)state;
	assert_int_equal(header_remove_all(h, "B"), 2);
	assert_int_equal(header_remove_all(h, "B"), 0);
	assert_true(header_replace(h, 3, "C", b("five")));
	assert_true(header_prepend(h, "Z", b("0")));
	assert_true(header_append(h, "Y", b("")));
	assert_written(h, "Z: 0\r\nA: 1\r\nC: five\r\nY: \r\n");
	assert_int_equal(header_find(h, NULL, 2), 4);
	header_free(h);
}

static void
no_value_can_start_another_field(void **state)
{
	struct header *h = header_new();

	(void)state;
	assert_true(header_append(
	    h, "From", b("x\r\nBcc: victim\n\nbody\r.\x7f\tend  \r\n")));
	assert_written(h, "From: x  Bcc: victim  body .  end\r\n");
	header_free(h);
}

static void
long_values_are_folded_at_blanks(void **state)
{
	char value[2000] = "";
	struct buf out;
	const char *line, *end;

	(void)state;
	for (size_t n = 0; n < 1900; n += n % 7 + 1)
		memset(value + n, 'w', n % 7), value[n + n % 7] = ' ';
	buf_init(&out, 4000);
	assert_true(header_fold(&out, "Subject", b(value)));
	for (line = buf_str(&out); *line != '\0'; line = end + 2) {
		end = strstr(line, "\r\n");
		assert_non_null(end);
		assert_true(end - line <= HEADER_FOLD);
		assert_true(strspn(line, " ") < (size_t)(end - line));
	}
	buf_clear(&out);
}

static void
a_word_that_no_line_can_hold_is_refused(void **state)
{
	char value[1100];
	struct header *h = header_new();

	(void)state;
	memset(value, 'x', sizeof(value));
	assert_true(header_append(h, "A", bytes_of(value, 995)));
	assert_false(header_append(h, "A", bytes_of(value, 996)));
	value[0] = 'y';
	memset(value + 1, ' ', sizeof(value) - 2);
	assert_true(header_append(h, "A", bytes_of(value, sizeof(value))));
	assert_int_equal(header_count(h), 2);
	header_free(h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_end_where_they_should),
		cmocka_unit_test(random_headers_come_back_byte_for_byte),
		cmocka_unit_test(a_header_over_a_limit_says_so),
		cmocka_unit_test(an_endless_line_that_is_no_field_is_body),
		cmocka_unit_test(a_full_header_still_takes_what_we_add),
		cmocka_unit_test(fields_are_found_whatever_their_case),
		cmocka_unit_test(fields_are_removed_replaced_and_put_in_front),
		cmocka_unit_test(no_value_can_start_another_field),
		cmocka_unit_test(long_values_are_folded_at_blanks),
		cmocka_unit_test(a_word_that_no_line_can_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
