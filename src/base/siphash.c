/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After "SipHash: a fast short-input PRF" by Aumasson and Bernstein. */
#include "base/siphash.h"

#include <string.h>

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* Written out, compilers see that it is one instruction; of a loop they do
 * not. */
static uint64_t
load(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static void
rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void
take_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

void
siphash_init(struct siphash *s, const unsigned char key[SIPHASH_KEY_BYTES])
{
	static const uint64_t start[4] = { UINT64_C(0x736f6d6570736575),
		UINT64_C(0x646f72616e646f6d), UINT64_C(0x6c7967656e657261),
		UINT64_C(0x7465646279746573) };

	*s = (struct siphash) { .length = 0 };
	for (size_t i = 0; i < 4; i++)
		s->v[i] = start[i] ^ load(key + 8 * (i % 2));
}

/* The state stays in registers. */
static void
put_words(struct siphash *s, const unsigned char *p, size_t n)
{
	uint64_t v[4] = { s->v[0], s->v[1], s->v[2], s->v[3] };

	s->length += 8 * n;
	for (; n > 0; n--, p += 8)
		take_word(v, load(p));
	memcpy(s->v, v, sizeof(v));
}

void
siphash_put(struct siphash *s, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (; n > 0 && s->length % 8 != 0; n--) {
		s->word |= (uint64_t)*p++ << 8 * (s->length++ % 8);
		if (s->length % 8 == 0) {
			take_word(s->v, s->word);
			s->word = 0;
		}
	}
	put_words(s, p, n / 8);
	p += n / 8 * 8;
	n %= 8;
	for (; n > 0; n--)
		s->word |= (uint64_t)*p++ << 8 * (s->length++ % 8);
}

uint64_t
siphash_end(const struct siphash *s)
{
	uint64_t v[4];

	memcpy(v, s->v, sizeof(v));
	take_word(v, s->word | s->length << 56);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
