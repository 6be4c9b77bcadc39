/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdint.h>

#include "base/slab.h"

enum { MANY = 5000 };

/* Sizes come in no order, also some that are too large for a block. */
static size_t
size_of(size_t i)
{
	return i % 97 == 0 ? 2000 : 1 + i * 7 % SLAB_MAX;
}

static void
objects_are_zeroed_aligned_and_apart(void **state)
{
	static unsigned char *v[MANY];
	struct slab s;

	(void)state;
	slab_init(&s);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			size_t n = size_of(i);

			v[i] = slab_alloc(&s, n);
			assert_int_equal((uintptr_t)v[i] % 8, 0);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(v[i][k], 0);
			memset(v[i], (int)(i % 251 + 1), n);
		}
		for (size_t i = 0; i < MANY; i++)
			for (size_t k = 0; k < size_of(i); k++)
				assert_int_equal(v[i][k], i % 251 + 1);
		for (size_t i = 0; i < MANY; i++)
			slab_free(&s, v[(i * 37) % MANY]);
		assert_int_equal(s.nblocks, 0); /* all is given back */
	}
	slab_free(&s, NULL);
}

static void
what_is_freed_is_used_again(void **state)
{
	static void *v[MANY];
	struct slab s;
	size_t blocks;

	(void)state;
	slab_init(&s);
	for (size_t i = 0; i < MANY; i++)
		v[i] = slab_alloc(&s, 100);
	blocks = s.nblocks;
	assert_in_range(blocks, MANY * 100 / 32768, MANY * 140 / 32768 + 1);
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < MANY; i += 2)
			slab_free(&s, v[i]);
		for (size_t i = 0; i < MANY; i += 2)
			v[i] = slab_alloc(&s, 100);
		assert_int_equal(s.nblocks, blocks);
	}
	for (size_t i = 0; i < MANY; i++)
		slab_free(&s, v[i]);
	assert_int_equal(s.nblocks, 0);
}

static void
what_is_resized_keeps_its_content(void **state)
{
	struct slab s;
	char *p;

	(void)state;
	slab_init(&s);
	p = slab_alloc(&s, 10);
	memcpy(p, "0123456789", 10);
	p = slab_resize(&s, p, 10, 600);
	assert_memory_equal(p, "0123456789\0\0", 12);
	p = slab_resize(&s, p, 600, 5);
	assert_memory_equal(p, "01234", 5);
	slab_free(&s, p);
	assert_int_equal(s.nblocks, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
		cmocka_unit_test(what_is_freed_is_used_again),
		cmocka_unit_test(what_is_resized_keeps_its_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
