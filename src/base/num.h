/* SPDX-License-Identifier: GPL-3.0-or-later */
/* num.h - numbers from text, with every overflow checked (R28).
 *
 * All take exactly the given bytes: no blanks, no sign, nothing left over.
 * False: not such a number; the output is untouched.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

bool num_u64(struct bytes text, uint64_t *ret);
/* As num_u64(), and at most max. */
bool num_u64_max(struct bytes text, uint64_t max, uint64_t *ret);

/* "90", "90s", "5m", "4h", "5d" -> milliseconds; a bare number is seconds. */
bool num_duration_ms(struct bytes text, int64_t *ret_ms);
/* "1000", "64K", "35M", "2G" -> bytes, in powers of 1024. */
bool num_size_bytes(struct bytes text, uint64_t *ret_bytes);

/* For people: "3s", "5m", "4h", "2d" and "512", "1.4K", "35M". */
enum { NUM_TEXT_SIZE = 24 };
const char *num_duration_text(int64_t ms, char out[NUM_TEXT_SIZE]);
const char *num_size_text(uint64_t bytes, char out[NUM_TEXT_SIZE]);

#endif
