/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crc32.h"

enum { SLICES = 4 };
static const uint32_t polynomial = 0xedb88320;

/* table[k][b]: what byte b does to the remainder when k more bytes follow. */
static uint32_t table[SLICES][256];

/* Before main(), so that no thread sees half a table. */
__attribute__((constructor)) static void
fill(void)
{
	uint32_t crc = 1;

	/* The bits one by one; a byte is the sum of its bits. */
	for (size_t bit = 128; bit > 0; bit /= 2) {
		crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
		for (size_t b = 0; b < 256; b += 2 * bit)
			table[0][b + bit] = crc ^ table[0][b];
	}
	for (size_t k = 1; k < SLICES; k++)
		for (size_t b = 0; b < 256; b++)
			table[k][b] = table[k - 1][b] >> 8 ^
				      table[0][table[k - 1][b] & 0xff];
}

uint32_t
crc32_of(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *at = p;

	for (crc = ~crc; n >= SLICES; n -= SLICES, at += SLICES) {
		crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 |
		       (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
		crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^
		      table[1][crc >> 16 & 0xff] ^ table[0][crc >> 24];
	}
	for (; n > 0; n--)
		crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xff];
	return ~crc;
}
