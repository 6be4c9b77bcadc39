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

#endif
