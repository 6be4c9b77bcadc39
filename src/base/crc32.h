/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crc32.h - the CRC-32 of zip, gzip and Ethernet (polynomial 0x04c11db7).
 *
 * It detects a torn or damaged file.  It does not protect against deliberate
 * changes.  Pure.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues an earlier result; the first call passes 0. */
uint32_t crc32_of(uint32_t crc, const void *p, size_t n);

#endif
