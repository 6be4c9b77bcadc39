/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz.h - what every fuzz target includes.
 *
 * FUZZ_REQUIRE is the property: broken, it ends the process, which is what a
 * fuzzer looks for, in every build.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(property)                                                 \
	do {                                                                   \
		if (!(property)) {                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__,       \
			    __LINE__, #property);                              \
			abort();                                               \
		}                                                              \
	} while (0)

/* What a person is told of an error: something, and no control characters. */
static inline void
fuzz_sentence(const char *text)
{
	FUZZ_REQUIRE(text[0] != '\0');
	for (const char *s = text; *s != '\0'; s++)
		FUZZ_REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

#endif
