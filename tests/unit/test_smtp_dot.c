/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R1, R2, R3, R11: one end of message, clean line ends, every byte counted. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "smtp/smtp_dot.h"

#define T(s)                                                                   \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}

struct row {
	struct bytes in, out;
	bool is_end, had_bare;
	size_t left; /* bytes that belong to what follows */
};

/* After row_in has been put with this chunk size; out is large. */
static size_t
decode(struct smtp_dot *d, struct bytes in, size_t chunk, struct buf *out)
{
	size_t used = 0, n, took;

	while (used < in.n && !d->is_end) {
		/* Memory of its own, so that a sanitizer sees any step
		 * beyond the chunk. */
		char *copy;

		n = in.n - used < chunk ? in.n - used : chunk;
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, in.p + used, n);
		took = smtp_dot_put(d, copy, n, out);
		free(copy);
		assert_true(took == n || d->is_end);
		used += took;
	}
	return used;
}

static void
check_row(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	struct smtp_dot d;
	struct buf out;
	size_t used;

	buf_init(&out, 4096);
	smtp_dot_init(&d, SMTP_DOT_DATA);
	used = decode(&d, row->in, chunk, &out);
	assert_int_equal(d.is_end, row->is_end);
	assert_int_equal(used, row->in.n - row->left);
	assert_int_equal(buf_len(&out), row->out.n);
	assert_memory_equal(buf_str(&out), row->out.p, row->out.n);
	assert_int_equal(d.had_bare, row->had_bare);
	buf_clear(&out);
}

static void
a_message_is_taken_byte_for_byte_at_every_chunk_size(void **state)
{
	static const struct row rows[] = {
		{ .in = T(".\r\n"), .out = T(""), .is_end = true },
		{ .in = T("a\r\n.\r\n"), .out = T("a\r\n"), .is_end = true },
		{ .in = T("a\r\nb\r\n\r\nc\r\n.\r\n"),
		    .out = T("a\r\nb\r\n\r\nc\r\n"),
		    .is_end = true },
		{ .in = T("\r\n.\r\n"), .out = T("\r\n"), .is_end = true },
		{ .in = T("..a\r\n.\r\n"), .out = T(".a\r\n"), .is_end = true },
		{ .in = T("..\r\n.\r\n"), .out = T(".\r\n"), .is_end = true },
		{ .in = T("...\r\n.\r\n"), .out = T("..\r\n"), .is_end = true },
		{ .in = T(".a\r\n.\r\n"), .out = T("a\r\n"), .is_end = true },
		{ .in = T("a.\r\n.\r\n"), .out = T("a.\r\n"), .is_end = true },
		{ .in = T("a\r\n.\r\nQUIT\r\n"),
		    .out = T("a\r\n"),
		    .is_end = true,
		    .left = 6 },
		{ .in = T("a\r\n.\r\n.\r\n"),
		    .out = T("a\r\n"),
		    .is_end = true,
		    .left = 3 },
		{ .in = T("a\r\n."), .out = T("a\r\n") },
		{ .in = T("a\r\n.\r"), .out = T("a\r\n") },
		{ .in = T("caf\xc3\xa9\r\n.\r\n"),
		    .out = T("caf\xc3\xa9\r\n"),
		    .is_end = true },
		/* Repair. */
		{ .in = T("a\nb\n\r\n.\r\n"),
		    .out = T("a\r\nb\r\n\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\rb\r\n.\r\n"),
		    .out = T("a\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\r\nb\r\r\n.\r\n"),
		    .out = T("a\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\rb\r\n.\r\n"),
		    .out = T("a\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\n\rb\r\n.\r\n"),
		    .out = T("a\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		/* Stuffing exists only behind a true CR LF. */
		{ .in = T("a\n..b\r\n.\r\n"),
		    .out = T("a\r\n..b\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\n.b\r\n.\r\n"),
		    .out = T("a\r\n.b\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\0b\r\n.\r\n"),
		    .out = T("a\0b\r\n"),
		    .is_end = true },
		/* A NUL behind the end is not this message's. */
		{ .in = T("a\r\n.\r\n\0"),
		    .out = T("a\r\n"),
		    .is_end = true,
		    .left = 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], rows[i].in.n);
}

/* RELIABILITY section 2.2: each sequence between two texts is content, and
 * what comes out, stuffed again, cannot end a message at the next hop. */
static void
no_other_sequence_ends_a_message(void **state)
{
	static const struct row rows[] = {
		{ .in = T("a\n.\nb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\n.\r\nb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\n.\nb\r\n.\r\n"),
		    .out = T("a\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r.\nb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\n.\rb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r.\rb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r.\r\nb\r\n.\r\n"),
		    .out = T("a\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\n.\rb\r\n.\r\n"),
		    .out = T("a\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\n.\r\r\nb\r\n.\r\n"),
		    .out = T("a\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		/* The legal end behind a stray CR. */
		{ .in = T("a\r\r\n.\r\nb\r\n"),
		    .out = T("a\r\n"),
		    .is_end = true,
		    .had_bare = true,
		    .left = 3 },
		{ .in = T("a\r\n\0.\r\nb\r\n.\r\n"),
		    .out = T("a\r\n\0.\r\nb\r\n"),
		    .is_end = true },
		{ .in = T("a\r\n.\0\r\nb\r\n.\r\n"),
		    .out = T("a\r\n\0\r\nb\r\n"),
		    .is_end = true },
		{ .in = T("a\r\n. \r\nb\r\n.\r\n"),
		    .out = T("a\r\n \r\nb\r\n"),
		    .is_end = true },
		{ .in = T("a\r\n.\t\r\nb\r\n.\r\n"),
		    .out = T("a\r\n\t\r\nb\r\n"),
		    .is_end = true },
		{ .in = T("a\n\n.\n\nb\r\n.\r\n"),
		    .out = T("a\r\n\r\n.\r\n\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
		{ .in = T("a\r\n.\r.\nb\r\n.\r\n"),
		    .out = T("a\r\n\r\n.\r\nb\r\n"),
		    .is_end = true,
		    .had_bare = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], rows[i].in.n);
}

static void
check_chunked(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	struct smtp_dot d;
	struct buf out;

	buf_init(&out, 4096);
	smtp_dot_init(&d, SMTP_DOT_CHUNK);
	assert_int_equal(decode(&d, row->in, chunk, &out), row->in.n);
	assert_true(smtp_dot_finish(&d, &out));
	assert_int_equal(buf_len(&out), row->out.n);
	assert_memory_equal(buf_str(&out), row->out.p, row->out.n);
	assert_int_equal(d.had_bare, row->had_bare);
	buf_clear(&out);
}

static void
a_chunk_is_repaired_but_has_neither_dots_nor_an_end(void **state)
{
	static const struct row rows[] = {
		{ .in = T(""), .out = T("") },
		{ .in = T("a\r\n.\r\n..b\r\n"), .out = T("a\r\n.\r\n..b\r\n") },
		{ .in = T("a"), .out = T("a\r\n") },
		{ .in = T("a\r"), .out = T("a\r\n"), .had_bare = true },
		{ .in = T("a\r\r"), .out = T("a\r\n\r\n"), .had_bare = true },
		{ .in = T("a\n"), .out = T("a\r\n"), .had_bare = true },
		{ .in = T("a\r\n\r\n"), .out = T("a\r\n\r\n") },
		{ .in = T(".\n\0"), .out = T(".\r\n\0\r\n"), .had_bare = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_chunked, &rows[i], rows[i].in.n);
}

static void
check_stuffed(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	struct smtp_stuff s;
	struct buf out;
	size_t used = 0, n;

	buf_init(&out, 4096);
	smtp_stuff_init(&s);
	for (; used < row->in.n; used += n) {
		n = row->in.n - used < chunk ? row->in.n - used : chunk;
		assert_int_equal(
		    smtp_stuff_put(&s, row->in.p + used, n, &out), n);
	}
	assert_true(smtp_stuff_end(&s, &out));
	assert_int_equal(buf_len(&out), row->out.n);
	assert_memory_equal(buf_str(&out), row->out.p, row->out.n);
	buf_clear(&out);
}

static void
what_goes_out_is_stuffed_and_has_only_crlf(void **state)
{
	static const struct row rows[] = {
		{ .in = T(""), .out = T(".\r\n") },
		{ .in = T("a\r\n"), .out = T("a\r\n.\r\n") },
		{ .in = T("a"), .out = T("a\r\n.\r\n") },
		{ .in = T("a\r"), .out = T("a\r\n.\r\n") },
		{ .in = T("."), .out = T("..\r\n.\r\n") },
		{ .in = T(".\r\n"), .out = T("..\r\n.\r\n") },
		{ .in = T("a\r\n.b\r\nc.\r\n"),
		    .out = T("a\r\n..b\r\nc.\r\n.\r\n") },
		{ .in = T("a\n.b\n"), .out = T("a\r\n..b\r\n.\r\n") },
		{ .in = T("a\r.b\r"), .out = T("a\r\n..b\r\n.\r\n") },
		{ .in = T("a\n.\nb"), .out = T("a\r\n..\r\nb\r\n.\r\n") },
		{ .in = T("a\r\n\0.\r\nb"), .out = T("a\r\n..\r\nb\r\n.\r\n") },
		{ .in = T("\0a\0"), .out = T("a\r\n.\r\n") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_stuffed, &rows[i], rows[i].in.n);
}

/* --- against a second, slower opinion ------------------------------------ */

static uint32_t seed;

static uint32_t
random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Whole messages only, with all of it in sight. */
static void
expect(const char *p, size_t n, struct buf *out)
{
	bool is_start = true;

	for (size_t i = 0; i < n;) {
		const char *at = p + i;
		size_t left = n - i, cr = 0;

		if (is_start && *at == '.') {
			if (left >= 3 && memcmp(at, ".\r\n", 3) == 0)
				return;
			i++;
			is_start = false;
			continue;
		}
		is_start = false;
		if (*at != '\r' && *at != '\n') {
			assert_true(buf_addc(out, *at));
			i++;
			continue;
		}
		if (left >= 2 && memcmp(at, "\r\n", 2) == 0)
			cr = 2;
		else if (left >= 3 && memcmp(at, "\r\r\n", 3) == 0)
			cr = 3;
		is_start = cr != 0;
		i += cr != 0 ? cr : 1;
		assert_true(buf_adds(out, "\r\n"));
	}
}

static void
random_input_means_the_same_however_it_is_cut(void **state)
{
	static const char alphabet[] = { '\r', '\n', '.', 'a', '\0', '\r',
		'\n' };
	char in[48];
	struct buf want, have, again;

	(void)state;
	buf_init(&want, 4096);
	buf_init(&have, 4096);
	buf_init(&again, 4096);
	for (seed = 0; seed < 20000 * 7919u; seed += 7919) {
		uint32_t saved = seed;
		size_t n = random_below(40), used, chunk = 1 + random_below(9);
		struct smtp_dot d;
		struct smtp_stuff s;

		for (size_t i = 0; i < n; i++)
			in[i] = alphabet[random_below(sizeof(alphabet))];
		memcpy(in + n, "\r\n.\r\n", 5);
		n += 5;
		expect(in, n, &want);

		smtp_dot_init(&d, SMTP_DOT_DATA);
		used = decode(&d, bytes_of(in, n), chunk, &have);
		assert_true(d.is_end);
		assert_int_equal(buf_len(&have), buf_len(&want));
		assert_memory_equal(
		    buf_str(&have), buf_str(&want), buf_len(&want));
		assert_true(used <= n);

		/* Out and in again changes nothing more. */
		if (memchr(buf_str(&have), '\0', buf_len(&have)) == NULL) {
			struct buf wire;

			buf_init(&wire, 4096);
			smtp_stuff_init(&s);
			assert_int_equal(smtp_stuff_put(&s, buf_str(&have),
					     buf_len(&have), &wire),
			    buf_len(&have));
			assert_true(smtp_stuff_end(&s, &wire));
			smtp_dot_init(&d, SMTP_DOT_DATA);
			assert_int_equal(
			    decode(&d, buf_bytes(&wire), chunk, &again),
			    buf_len(&wire));
			assert_true(d.is_end && !d.had_bare);
			assert_int_equal(buf_len(&again), buf_len(&want));
			assert_memory_equal(
			    buf_str(&again), buf_str(&want), buf_len(&want));
			buf_clear(&wire);
		}
		buf_reset(&want);
		buf_reset(&have);
		buf_reset(&again);
		seed = saved;
	}
	buf_clear(&want);
	buf_clear(&have);
	buf_clear(&again);
}

static void
a_full_buffer_takes_no_more_than_it_can_hold(void **state)
{
	struct smtp_dot d;
	struct smtp_stuff s;
	struct buf out;

	(void)state;
	buf_init(&out, SMTP_DOT_SPACE(3));
	smtp_dot_init(&d, SMTP_DOT_CHUNK);
	assert_int_equal(smtp_dot_put(&d, "\n\n\n\n\n\n", 6, &out), 3);
	assert_buf(&out, "\r\n\r\n\r\n");
	assert_int_equal(smtp_dot_put(&d, "\n\n\n", 3, &out), 0);
	buf_reset(&out);
	smtp_stuff_init(&s);
	assert_int_equal(smtp_stuff_put(&s, "\n\n\n\n\n\n", 6, &out), 3);
	assert_int_equal(smtp_stuff_put(&s, "\n\n\n", 3, &out), 0);
	assert_true(smtp_stuff_end(&s, &out));
	assert_buf(&out, "\r\n\r\n\r\n.\r\n");
	assert_false(smtp_stuff_end(&s, &out));
	buf_clear(&out);
}

static void
nothing_is_taken_behind_the_end(void **state)
{
	struct smtp_dot d;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	smtp_dot_init(&d, SMTP_DOT_DATA);
	assert_int_equal(smtp_dot_put(&d, ".\r\nx", 4, &out), 3);
	assert_true(d.is_end);
	assert_int_equal(smtp_dot_put(&d, "x", 1, &out), 0);
	assert_int_equal(buf_len(&out), 0);
	buf_clear(&out);
}

/* relaisd, which replaces it, has to see it. */
static void
a_nul_goes_to_relaisd_and_to_nobody_else(void **state)
{
	static const char text[] = "a\0.\r\n.\0b\r\n";

	(void)state;
	for (int keeps = 0; keeps < 2; keeps++) {
		struct smtp_stuff s;
		struct buf out;

		buf_init(&out, 100);
		smtp_stuff_init(&s);
		s.keeps_nul = keeps == 1;
		assert_int_equal(
		    smtp_stuff_put(&s, text, sizeof(text) - 1, &out),
		    sizeof(text) - 1);
		if (keeps == 1) {
			assert_int_equal(buf_len(&out), sizeof(text));
			assert_memory_equal(
			    buf_str(&out), "a\0.\r\n..\0b\r\n", sizeof(text));
		} else {
			assert_buf(&out, "a.\r\n..b\r\n");
		}
		buf_clear(&out);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nul_goes_to_relaisd_and_to_nobody_else),
		cmocka_unit_test(
		    a_message_is_taken_byte_for_byte_at_every_chunk_size),
		cmocka_unit_test(no_other_sequence_ends_a_message),
		cmocka_unit_test(
		    a_chunk_is_repaired_but_has_neither_dots_nor_an_end),
		cmocka_unit_test(what_goes_out_is_stuffed_and_has_only_crlf),
		cmocka_unit_test(random_input_means_the_same_however_it_is_cut),
		cmocka_unit_test(a_full_buffer_takes_no_more_than_it_can_hold),
		cmocka_unit_test(nothing_is_taken_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
