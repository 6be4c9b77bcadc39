/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_text.h - the text around a message in a spool file: header, end record.
 *
 * doc/formats/spool and relais-spool(5) describe the format.  This file turns
 * an envelope into those lines and back, spool_journal.h does so with what
 * happened to it since, and spool.h reads and writes them.
 *
 * No byte of an address, name or answer can forge a line (R9): control
 * characters and the backslash are written as \xNN, and the header carries a
 * CRC-32.
 *
 * Pure.  Parsing never trusts its input: any bytes give an answer.
 */
#ifndef STORE_SPOOL_TEXT_H
#define STORE_SPOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/envelope.h"

enum {
	SPOOL_HEADER_MAX = 8 * 1024 * 1024,
	SPOOL_END_MAX = 40 /* bytes of an end record */
};

/* A file that starts with this, as long as the true first line, is still being
 * written. */
#define SPOOL_DRAFT_MARK "relais-draft 1\n"

/* The two kinds of file differ in their first line only. */
enum spool_text_kind {
	SPOOL_TEXT_MESSAGE, /* in the queue */
	SPOOL_TEXT_DROP /* from a user, in drop/; see store/drop.h */
};

/* Everything up to and with the empty line, e->size_bytes being the size of
 * the message.  total > 0: padded to exactly that many bytes.  False: it does
 * not fit into total, or into the buffer. */
bool spool_text_header(struct buf *to, enum spool_text_kind kind,
    const struct envelope *e, size_t total) MUST_CHECK;

enum spool_text_result {
	SPOOL_TEXT_OK,
	SPOOL_TEXT_SHORT, /* right so far, and then it ends */
	SPOOL_TEXT_BAD
};

/* OK: the caller owns *ret_env; the message starts at *ret_body. */
enum spool_text_result spool_text_header_parse(enum spool_text_kind kind,
    struct bytes file, struct envelope **ret_env, size_t *ret_body);

/* "end LENGTH CHECKSUM\n"; the result is its length. */
size_t spool_text_end(char to[SPOOL_END_MAX], uint64_t size, uint32_t crc);
/* file begins where the message ends.  OK: the journal begins at *ret_used. */
enum spool_text_result spool_text_end_parse(
    struct bytes file, uint64_t size, uint32_t *ret_crc, size_t *ret_used);

#endif
