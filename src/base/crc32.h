/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crc32.h - the CRC-32 of zip, gzip and Ethernet (polynomial 0x04c11db7).
 *
 * It tells a torn or damaged file from a whole one.  It is no protection
 * against somebody who wants to deceive.  Pure.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Carries an earlier result on; start with 0. */
uint32_t crc32_of(uint32_t crc, const void *p, size_t n);

#endif
