/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R8, R9 of the body: other encodings of the same bytes, in short ASCII
 * lines. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "rewrite/recode.h"
#include "tests/lib/decode.h"

static const struct row {
	enum recode_how how;
	const char *in, *out;
} rows[] = {
	{ RECODE_KEEP, "a=b \r\n", "a=b \r\n" },
	{ RECODE_QP, "", "" },
	{ RECODE_QP, "hello\r\nworld", "hello\r\nworld" },
	{ RECODE_QP, "a=b\r\n", "a=3Db\r\n" },
	{ RECODE_QP, "na\xc3\xafve", "na=C3=AFve" },
	/* Blanks at the end of a line would be lost on the way. */
	{ RECODE_QP, "a \r\nb\t\r\n c", "a=20\r\nb=09\r\n c" },
	{ RECODE_QP, "a  \r\n", "a =20\r\n" },
	{ RECODE_QP, "end ", "end=20" },
	{ RECODE_QP, "\r\n\r\n", "\r\n\r\n" },
	{ RECODE_QP, "a\rb\nc\r", "a=0Db=0Ac=0D" },
	{ RECODE_QP, "\r\r\n", "=0D\r\n" },
	{ RECODE_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "67890123456",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "6789012345=\r\n6" },
	/* No unit is cut. */
	{ RECODE_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "678901234=",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "678901234=\r\n=3D" },
	/* No break of ours makes a delimiter of a part. */
	{ RECODE_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "6789012345--b",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "6789012345=\r\n=2D-b" },
	{ RECODE_BASE64, "", "" },
	{ RECODE_BASE64, "a\r\n", "YQ0K" },
	{ RECODE_BASE64, "ab", "YWI=" },
	{ RECODE_BASE64,
	    "123456789012345678901234567890123456789012345678901234567",
	    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	    "OTAxMjM0NTY3" },
	{ RECODE_BASE64,
	    "1234567890123456789012345678901234567890123456789012345678",
	    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	    "OTAxMjM0NTY3\r\nOA==" },
	{ RECODE_MEND_QP, "a=3Db=\r\nc \r\n", "a=3Db=\r\nc\r\n" },
	{ RECODE_MEND_QP, "na\xc3\xafve=", "na=C3=AFve=" },
	{ RECODE_MEND_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "678901234=3D",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "678901234=\r\n=3D" },
	/* Blanks behind "=" at the end of a line do not count, and no break
	 * comes between them; elsewhere they do. */
	{ RECODE_MEND_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "67890123=  \t \r\nb \t c ",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "67890123=\r\n=\r\nb \t c" },
	/* "=" where digits were due begins anew. */
	{ RECODE_MEND_QP,
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "6789012==3D",
	    "12345678901234567890123456789012345678901234567890123456789012345"
	    "6789012==\r\n=3D" },
	{ RECODE_MEND_BASE64,
	    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	    "OTAxMjM0NTY3OA==\r\n",
	    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	    "OTAxMjM0NTY3\r\nOA==" },
	{ RECODE_MEND_BASE64, "YW\r\nI =\xff\r\n", "YWI=" },
};

static void
recode(enum recode_how how, struct bytes in, size_t chunk, struct buf *out)
{
	struct recode r;

	recode_init(&r, how);
	for (size_t at = 0, n; at < in.n; at += n) {
		char *copy;

		n = in.n - at < chunk ? in.n - at : chunk;
		copy = malloc(n);
		memcpy(copy, in.p + at, n);
		recode_put(&r, bytes_of(copy, n), out);
		free(copy);
	}
	recode_end(&r, out);
}

static void
check_row(const void *ctx, size_t chunk)
{
	const struct row *row = ctx;
	struct buf out;

	buf_init(&out, 4096);
	recode(row->how, bytes_str(row->in), chunk, &out);
	assert_string_equal(buf_str(&out), row->out);
	buf_clear(&out);
}

static void
what_comes_out_is_written_by_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], strlen(rows[i].in));
}

static void
any_bytes_decode_back_from_short_ascii_lines(void **state)
{
	static const char often[] = "\r\n\r\n \t=.a\xc3\xa4";
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		enum recode_how how = round % 2 ? RECODE_QP : RECODE_BASE64;
		struct buf in, out, back;
		size_t n = (size_t)(round % 400);

		buf_init(&in, 4096);
		buf_init(&out, RECODE_ROOM(4096));
		buf_init(&back, 4096);
		while (n-- > 0) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			assert_true(buf_addc(
			    &in, (seed >> 40) % 3
				     ? often[(seed >> 33) % (sizeof(often) - 1)]
				     : (char)(seed >> 56)));
		}
		recode(how, buf_bytes(&in), 1 + (size_t)(seed >> 61), &out);
		assert_true(decode_longest(buf_bytes(&out)) <= 76);
		assert_true(decode_is_clean(buf_bytes(&out), true));
		if (how == RECODE_QP)
			decode_qp(buf_bytes(&out), &back);
		else
			decode_base64(buf_bytes(&out), &back);
		assert_int_equal(buf_len(&back), buf_len(&in));
		assert_memory_equal(buf_str(&back), buf_str(&in), buf_len(&in));
		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&back);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_out_is_written_by_the_rules),
		cmocka_unit_test(any_bytes_decode_back_from_short_ascii_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
