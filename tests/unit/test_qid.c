/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R34: queue ids are unique without a process id; their folders move slowly. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "store/qid.h"

#define NOW_MS INT64_C(1750000000000)

/* A generator whose state is the test's, like that of a process that starts
 * anew each time with other randomness. */
static void
fill(void *ctx, void *p, size_t n)
{
	uint64_t *seed = ctx;
	unsigned char *to = p;

	while (n-- > 0) {
		*seed = *seed * UINT64_C(6364136223846793005) + 1442695041;
		*to++ = (unsigned char)(*seed >> 56);
	}
}

static void
ids_are_sixteen_digits_of_base32(void **state)
{
	uint64_t seed = 1;
	struct rng rng = { fill, &seed };
	char id[QID_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		qid_make(NOW_MS + i * INT64_C(123456789), &rng, id);
		assert_int_equal(strlen(id), QID_LEN);
		assert_true(qid_is_valid(id));
	}
}

static void
what_is_no_id_is_refused(void **state)
{
	static const char *const bad[] = { "", "0", "0123456789abcde",
		"0123456789abcdefg", "0123456789ABCDEF", "0123456789abcdew",
		"../../etc/passwd", "0123456/89abcdef", ".123456789abcdef" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(qid_is_valid(bad[i]));
	assert_true(qid_is_valid("0123456789abcdev"));
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
R34_ids_of_one_millisecond_and_of_restarts_differ(void **state)
{
	static char ids[20000][QID_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		uint64_t seed = i * 7919; /* a new process each time */
		struct rng rng = { fill, &seed };

		qid_make(NOW_MS, &rng, ids[i]);
	}
	qsort(ids, ARRAY_LEN(ids), QID_SIZE, by_text);
	for (size_t i = 1; i < ARRAY_LEN(ids); i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

static void
ids_sort_by_age(void **state)
{
	static const int64_t steps[] = { 1, 31, 32, 1000, 32768, 86400000,
		INT64_C(31536000000) };
	uint64_t seed = 9;
	struct rng rng = { fill, &seed };
	char older[QID_SIZE], newer[QID_SIZE];
	int64_t at = NOW_MS;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		qid_make(at, &rng, older);
		at += steps[i];
		qid_make(at, &rng, newer);
		assert_true(strcmp(older, newer) < 0);
	}
}

static void
a_burst_shares_a_folder_that_lasts_half_a_minute(void **state)
{
	uint64_t seed = 3;
	struct rng rng = { fill, &seed };
	char id[QID_SIZE], folder[QID_FOLDER_SIZE], last[QID_FOLDER_SIZE] = "";
	int changes = 0;

	(void)state;
	for (int64_t s = 0; s < 3600; s++) {
		qid_make(NOW_MS + s * 1000, &rng, id);
		qid_folder(id, folder);
		assert_int_equal(qid_folder_number(folder),
		    (int)qid_folder_at(NOW_MS + s * 1000));
		changes += strcmp(folder, last) != 0;
		memcpy(last, folder, sizeof(last));
	}
	assert_in_range(changes, 3600 / 33, 3600 / 32 + 1);
}

static void
folders_have_names_and_numbers(void **state)
{
	char name[QID_FOLDER_SIZE];

	(void)state;
	for (unsigned i = 0; i < QID_FOLDERS; i++) {
		qid_folder_name(i, name);
		assert_int_equal(qid_folder_number(name), (int)i);
	}
	assert_int_equal(qid_folder_number(""), -1);
	assert_int_equal(qid_folder_number("0"), -1);
	assert_int_equal(qid_folder_number("0w"), -1);
	assert_int_equal(qid_folder_number("000"), -1);
}

static void
clocks_before_the_epoch_still_give_ids(void **state)
{
	uint64_t seed = 5;
	struct rng rng = { fill, &seed };
	char id[QID_SIZE];

	(void)state;
	qid_make(0, &rng, id);
	assert_true(qid_is_valid(id));
	assert_true(qid_folder_at(0) < QID_FOLDERS);
	qid_make(-1, &rng, id);
	assert_true(qid_is_valid(id));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_sixteen_digits_of_base32),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(
		    R34_ids_of_one_millisecond_and_of_restarts_differ),
		cmocka_unit_test(ids_sort_by_age),
		cmocka_unit_test(
		    a_burst_shares_a_folder_that_lasts_half_a_minute),
		cmocka_unit_test(folders_have_names_and_numbers),
		cmocka_unit_test(clocks_before_the_epoch_still_give_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
