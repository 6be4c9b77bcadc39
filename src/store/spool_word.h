/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_word.h - the words and lines that spool files are made of.
 *
 *	value   = *( byte / escape ), to the end of the line
 *	escape  = "\x" 2hex
 *	crc     = 8hex
 *
 * Control characters and the backslash never stand for themselves, so no byte
 * of an address, name or answer can forge a line (R9).
 *
 *	line    = crc SP *byte LF
 *
 * Pure.
 */
#ifndef STORE_SPOOL_WORD_H
#define STORE_SPOOL_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum { SPOOL_CRC_LEN = 8 };

/* Appends text as the value of a line; false: the buffer is full. */
bool spool_escape(struct buf *to, const char *text) MUST_CHECK;
/* Appends one of several values in a line, with a blank in front.  Blanks are
 * escaped too, and an empty or missing value is "-". */
bool spool_escape_field(struct buf *to, const char *text) MUST_CHECK;
bool spool_number_field(struct buf *to, uint64_t n) MUST_CHECK; /* < 2^63 */
/* The reverse.  The caller frees the result.  NULL: b was not written by these
 * functions. */
char *spool_unescape(struct bytes b);
char *spool_unescape_field(struct bytes b);

/* Takes a line, without its LF, off the front.  False: there is none. */
bool spool_take_line(struct bytes *from, struct bytes *ret);
/* Takes the text before the next blank, and the blank.  False: there is no
 * blank. */
bool spool_take_field(struct bytes *from, struct bytes *ret);

/* To build a line: begin (leaves room for the checksum), add, end.  False: the
 * buffer is full, and holds part of the line. */
bool spool_line_begin(struct buf *to, size_t *ret_start) MUST_CHECK;
bool spool_line_end(struct buf *to, size_t start) MUST_CHECK;
/* *ret is the text of a line (without its LF) after the checksum.  False: the
 * checksum is wrong. */
bool spool_line_check(struct bytes line, struct bytes *ret);

/* Parse a checksum, or a number below 2^63.  False: not such a number. */
bool spool_crc(struct bytes b, uint32_t *ret);
bool spool_number(struct bytes b, int64_t *ret);
/* A time as it is written: 0 if it is before 1970. */
uint64_t spool_since_1970(int64_t t);

#endif
