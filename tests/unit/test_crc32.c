/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "base/crc32.h"

static void
the_check_value_of_the_algorithm_comes_out(void **state)
{
	(void)state;
	assert_int_equal(crc32_of(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_of(0, "", 0), 0);
	assert_int_equal(crc32_of(0, NULL, 0), 0);
	assert_int_equal(crc32_of(0, "a", 1), 0xe8b7be43);
}

static void
pieces_give_what_the_whole_gives(void **state)
{
	static const char text[] = "no matter where it is cut";

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(
		    crc32_of(crc32_of(0, text, i), text + i, sizeof(text) - i),
		    crc32_of(0, text, sizeof(text)));
}

static uint32_t
bit_by_bit(uint32_t crc, const unsigned char *p, size_t n)
{
	crc = ~crc;
	for (; n > 0; n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* Every byte value at every distance from the end of a group, every length and
 * every alignment. */
static void
the_tables_are_those_of_the_polynomial(void **state)
{
	unsigned char bytes[600];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 167 + i / 256);
	for (size_t from = 0; from < 8; from++)
		for (size_t n = 0; n <= sizeof(bytes) - from; n++)
			if (crc32_of(0x12345678, bytes + from, n) !=
			    bit_by_bit(0x12345678, bytes + from, n))
				fail_msg("from %zu, %zu bytes", from, n);
	for (unsigned value = 0; value < 256; value++)
		for (size_t at = 0; at < 8; at++) {
			unsigned char eight[8] = { 0 };

			eight[at] = (unsigned char)value;
			assert_int_equal(
			    crc32_of(~0U, eight, 8), bit_by_bit(~0U, eight, 8));
		}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_value_of_the_algorithm_comes_out),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(the_tables_are_those_of_the_polynomial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
