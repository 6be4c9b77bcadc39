/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "base/due.h"

enum { N = 500 };

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
comes_out_in_order_of_time(void **state)
{
	static struct due_node nodes[N];
	struct due h;
	uint32_t seed = 1;
	int64_t last = INT64_MIN;

	(void)state;
	due_init(&h);
	assert_null(due_first(&h));
	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < N; i++)
		due_add(&h, &nodes[i], (int64_t)next_random(&seed) - 8000000);
	for (size_t i = 0; i < N; i++) {
		struct due_node *n = due_first(&h);

		assert_true(n->due_ms >= last);
		last = n->due_ms;
		due_remove(&h, n);
		assert_false(due_is_in_heap(n));
	}
	assert_null(due_first(&h));
	due_clear(&h);
}

static void
the_same_time_comes_out_in_order_of_adding(void **state)
{
	static struct due_node nodes[N];
	struct due h;

	(void)state;
	due_init(&h);
	h.turn = UINT32_MAX - N / 2; /* turns wrap on the way */
	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < N; i++)
		due_add(&h, &nodes[i], 7);
	for (size_t i = 0; i < N; i++) {
		assert_ptr_equal(due_first(&h), &nodes[i]);
		due_remove(&h, &nodes[i]);
	}
	due_clear(&h);
}

/* The slow way, to compare with. */
static const struct due_node *
least(const struct due_node *nodes)
{
	const struct due_node *best = NULL;

	for (size_t i = 0; i < N; i++)
		if (due_is_in_heap(&nodes[i]) &&
		    (best == NULL || nodes[i].due_ms < best->due_ms ||
			(nodes[i].due_ms == best->due_ms &&
			    (int32_t)(nodes[i].turn - best->turn) < 0)))
			best = &nodes[i];
	return best;
}

static void
any_order_of_adding_and_removing_keeps_the_first_right(void **state)
{
	static struct due_node nodes[N];
	struct due h;
	uint32_t seed = 5;

	(void)state;
	due_init(&h);
	memset(nodes, 0, sizeof(nodes));
	for (int i = 0; i < 20000; i++) {
		struct due_node *n = &nodes[next_random(&seed) % N];

		if (due_is_in_heap(n))
			due_remove(&h, n);
		else
			due_add(&h, n, next_random(&seed) % 50);
		assert_ptr_equal(due_first(&h), least(nodes));
	}
	due_remove(&h, &nodes[0]);
	due_remove(&h, &nodes[0]); /* in none: nothing happens */
	due_clear(&h);
	for (size_t i = 0; i < N; i++)
		assert_false(due_is_in_heap(&nodes[i]));
}

/* Each that is due is found by some number, and no other one. */
static void
any_that_is_due_is_found(void **state)
{
	static struct due_node nodes[N];
	bool found[N] = { false };
	struct due h;

	(void)state;
	due_init(&h);
	memset(nodes, 0, sizeof(nodes));
	assert_null(due_any(&h, 7, 0));
	for (size_t i = 0; i < N; i++)
		due_add(&h, &nodes[i], (int64_t)((i * 7) % N));
	assert_null(due_any(&h, 7, -1));
	for (uint32_t n = 0; n < 2 * N; n++) {
		const struct due_node *d = due_any(&h, n, N / 2);

		assert_true(d->due_ms <= N / 2);
		found[d - nodes] = true;
	}
	for (size_t i = 0; i < N; i++)
		assert_int_equal(found[i], nodes[i].due_ms <= N / 2);
	due_clear(&h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_in_order_of_time),
		cmocka_unit_test(the_same_time_comes_out_in_order_of_adding),
		cmocka_unit_test(
		    any_order_of_adding_and_removing_keeps_the_first_right),
		cmocka_unit_test(any_that_is_due_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
