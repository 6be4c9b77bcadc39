/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_text.h - the text around a message in a spool file: header, end record.
 *
 * doc/formats/spool and relais-spool(5) describe the format.  This file turns
 * an envelope into those lines and back, journal.h does so with what
 * happened to it since, and spool.h reads and writes them.
 *
 * No byte of an address, name or answer can forge a line (R9): control
 * characters and the backslash are written as \xNN, and the header carries a
 * CRC-32.
 *
 * Pure.  Parsing never trusts its input: any bytes give an answer.
 */
#ifndef STORE_STORE_TEXT_H
#define STORE_STORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/envelope.h"

enum {
	STORE_HEADER_MAX = 8 * 1024 * 1024,
	STORE_END_MAX = 40 /* bytes of an end record */
};

/* A file that starts with this, which is as long as the true first line, is
 * still being written. */
#define STORE_DRAFT_MARK "relais-draft 1\n"

/* The two kinds of file differ in their first line only. */
enum store_text_kind {
	STORE_TEXT_MESSAGE, /* in the queue */
	STORE_TEXT_DROP /* from a user, in drop/; see store/drop.h */
};

/* Appends everything up to and including the empty line; e->size_bytes is the
 * size of the message.  total > 0: padded to exactly that many bytes.  False:
 * it does not fit into total, or into the buffer. */
bool store_text_header(struct buf *to, enum store_text_kind kind,
    const struct envelope *e, size_t total) MUST_CHECK;

enum store_text_result {
	STORE_TEXT_OK,
	STORE_TEXT_SHORT, /* correct so far, but it ends early */
	STORE_TEXT_BAD
};

/* OK: the caller owns *ret_env; the message starts at *ret_body. */
enum store_text_result store_text_header_parse(enum store_text_kind kind,
    struct bytes file, struct envelope **ret_env, size_t *ret_body);

/* Writes the end record "end LENGTH CHECKSUM\n".  Returns its length. */
size_t store_text_end(char to[STORE_END_MAX], uint64_t size, uint32_t crc);
/* file begins where the message ends.  OK: the journal begins at *ret_used. */
enum store_text_result store_text_end_parse(
    struct bytes file, uint64_t size, uint32_t *ret_crc, size_t *ret_used);

#endif
