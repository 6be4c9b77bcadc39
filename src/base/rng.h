/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rng.h - random bytes, as a function pointer, so that tests and fuzzers
 * repeat exactly.  The real source is sys/clock_sys.h and never fails.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	void (*fill)(void *ctx, void *p, size_t n);
	void *ctx;
};

static inline void
rng_fill(const struct rng *r, void *p, size_t n)
{
	r->fill(r->ctx, p, n);
}

/* Uniform enough for jitter: 0 <= result < bound. */
static inline uint32_t
rng_below(const struct rng *r, uint32_t bound)
{
	uint32_t v;

	rng_fill(r, &v, sizeof(v));
	return bound != 0 ? v % bound : 0;
}

#endif
