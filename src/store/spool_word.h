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
/* One of several in a line, with a blank in front: blanks are escaped too, and
 * nothing is "-". */
bool spool_escape_field(struct buf *to, const char *text) MUST_CHECK;
bool spool_number_field(struct buf *to, uint64_t n) MUST_CHECK; /* < 2^63 */
/* The caller frees the result; NULL: not what those two write. */
char *spool_unescape(struct bytes b);
char *spool_unescape_field(struct bytes b);

/* Takes a line, without its LF, off the front; false: there is none. */
bool spool_take_line(struct bytes *from, struct bytes *ret);
/* Takes what stands before a blank; false: no blank. */
bool spool_take_field(struct bytes *from, struct bytes *ret);

/* A line is built behind a place for its checksum: begin, add, end.  False: the
 * buffer is full, and holds a part of it. */
bool spool_line_begin(struct buf *to, size_t *ret_start) MUST_CHECK;
bool spool_line_end(struct buf *to, size_t start) MUST_CHECK;
/* A line without its LF: what stands behind its checksum; false: it is
 * wrong. */
bool spool_line_check(struct bytes line, struct bytes *ret);

/* False: not such a number. */
bool spool_crc(struct bytes b, uint32_t *ret);
bool spool_number(struct bytes b, int64_t *ret);
/* Times before 1970 are not written. */
uint64_t spool_since_1970(int64_t t);

#endif
