/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random_source.h - the same chances in every run. */
#ifndef TESTS_LIB_RANDOM_SOURCE_H
#define TESTS_LIB_RANDOM_SOURCE_H

#include <stddef.h>
#include <stdint.h>

static uint32_t random_seed = 12345;

static inline uint32_t
random_below(uint32_t bound)
{
	random_seed = random_seed * 1664525 + 1013904223;
	return (random_seed >> 8) % bound;
}

/* Anything a C string can hold, with a liking for what could do harm. */
static inline void
random_text(char *to, size_t size)
{
	static const char nasty[] = "\n\r \\-x:\t\x7f\x01\xff"
				    "0a";
	size_t n = random_below((uint32_t)size);

	for (size_t i = 0; i < n; i++)
		to[i] = random_below(2) != 0
			    ? nasty[random_below(sizeof(nasty) - 1)]
			    : (char)(1 + random_below(255));
	to[n] = '\0';
}

#endif
