/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "base/siphash.h"

static uint64_t
hash(size_t n, size_t step)
{
	unsigned char key[SIPHASH_KEY_BYTES], text[64];
	struct siphash s;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)i;
	siphash_init(&s, key);
	for (size_t at = 0; at < n; at += step)
		siphash_put(&s, text + at, n - at < step ? n - at : step);
	return siphash_end(&s);
}

/* Of the authors' own table. */
static void
the_published_values_come_out(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
		{ 63, UINT64_C(0x958a324ceb064572) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t step = 1; step <= 64; step++)
			assert_int_equal(hash(rows[i].n, step), rows[i].want);
}

static void
another_key_makes_another_value(void **state)
{
	unsigned char key[SIPHASH_KEY_BYTES] = { 0 };
	struct siphash s;

	(void)state;
	siphash_init(&s, key);
	assert_int_not_equal(siphash_end(&s), hash(0, 1));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_values_come_out),
		cmocka_unit_test(another_key_makes_another_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
