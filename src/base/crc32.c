/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crc32.h"

static const uint32_t tables[8][256] = {
#include "base/crc32_tables.inc"
};

/* Eight bytes at once, each through the table for its distance from the end. */
static uint32_t
take_eight(uint32_t crc, const unsigned char *p)
{
	crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
	return tables[7][crc & 0xff] ^ tables[6][crc >> 8 & 0xff] ^
	       tables[5][crc >> 16 & 0xff] ^ tables[4][crc >> 24] ^
	       tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
	       tables[0][p[7]];
}

uint32_t
crc32_of(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *at = p;

	crc = ~crc;
	for (; n >= 8; n -= 8, at += 8)
		crc = take_eight(crc, at);
	while (n-- > 0)
		crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
	return ~crc;
}
