/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - what every unit test includes: cmocka and three habits.
 *
 * TEST_ONLY="a_pattern*" in the environment runs only those whose names fit.
 *
 * Parsers and engines are tested at every chunk size: check_chunks() calls the
 * test once for each size from one byte to the whole input, so that nobody has
 * to remember.
 */
#ifndef TESTS_LIB_CHECK_H
#define TESTS_LIB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, set_up, tear_down)                       \
	(cmocka_set_test_filter(getenv("TEST_ONLY")),                          \
	    _cmocka_run_group_tests(                                           \
		#tests, tests, ARRAY_LEN(tests), set_up, tear_down))

/* The contents of a buffer equal this text, byte for byte. */
#define assert_buf(b, text)                                                    \
	do {                                                                   \
		assert_int_equal(buf_len(b), strlen(text));                    \
		assert_memory_equal(buf_str(b), text, strlen(text));           \
	} while (0)

/* Calls fn with every chunk size that can make a difference. */
static inline void
check_chunks(void (*fn)(const void *row, size_t chunk), const void *row,
    size_t input_len)
{
	for (size_t chunk = 1; chunk <= input_len; chunk++)
		fn(row, chunk);
	if (input_len == 0)
		fn(row, 1);
}

#endif
