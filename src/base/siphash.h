/* SPDX-License-Identifier: GPL-3.0-or-later */
/* siphash.h - SipHash-2-4, a hash whose collisions cannot be planned without
 * the key.
 *
 * It tells texts apart, with a key that is kept beside the results.  It does
 * not replace a signature.  A value without I/O.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

struct siphash {
	uint64_t v[4];
	uint64_t word; /* bytes that do not fill a word yet */
	uint64_t length;
};

void siphash_init(
    struct siphash *s, const unsigned char key[SIPHASH_KEY_BYTES]);
/* Text may come in pieces; where it is cut makes no difference. */
void siphash_put(struct siphash *s, const void *p, size_t n);
/* More text may follow; the result covers the text so far. */
uint64_t siphash_end(const struct siphash *s);

#endif
