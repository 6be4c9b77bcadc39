/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dice.h - the same chances in every run. */
#ifndef TESTS_LIB_DICE_H
#define TESTS_LIB_DICE_H

#include <stddef.h>
#include <stdint.h>

static uint32_t dice_seed = 12345;

static inline uint32_t
dice(uint32_t bound)
{
	dice_seed = dice_seed * 1664525 + 1013904223;
	return (dice_seed >> 8) % bound;
}

/* Anything a C string can hold, with a liking for what could do harm. */
static inline void
random_text(char *to, size_t size)
{
	static const char nasty[] = "\n\r \\-x:\t\x7f\x01\xff"
				    "0a";
	size_t n = dice((uint32_t)size);

	for (size_t i = 0; i < n; i++)
		to[i] = dice(2) != 0 ? nasty[dice(sizeof(nasty) - 1)]
				     : (char)(1 + dice(255));
	to[n] = '\0';
}

#endif
