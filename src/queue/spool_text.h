/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_text.h - the text in a spool file: header, end record, journal.
 *
 * doc/formats/spool and relais-spool(5) describe the format.  This file turns
 * an envelope and what happened to it into those lines and back; spool.h does
 * the reading and writing.
 *
 * No byte of an address, name or answer can forge a line (R9): control
 * characters and the backslash are written as \xNN, and the header and each
 * line of the journal carry a CRC-32.
 *
 * Pure.  Parsing never trusts its input: any bytes give an answer.
 */
#ifndef QUEUE_SPOOL_TEXT_H
#define QUEUE_SPOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/envelope.h"

enum {
	SPOOL_HEADER_MAX = 8 * 1024 * 1024,
	SPOOL_JOURNAL_MAX = 64 * 1024 * 1024,
	SPOOL_END_MAX = 40 /* bytes of an end record */
};

/* A file that starts with this, as long as the true first line, is still being
 * written. */
#define SPOOL_DRAFT_MARK "relais-draft 1\n"

/* --- header and end record ------------------------------------------------ */

/* The two kinds of file differ in their first line only. */
enum spool_text_kind {
	SPOOL_TEXT_MESSAGE, /* in the queue */
	SPOOL_TEXT_DROP /* from a user, in drop/; see queue/drop.h */
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

/* --- journal -------------------------------------------------------------- */

/* What the journal adds to the envelope. */
struct spool_state {
	int attempts;
	int64_t next_wall_ms; /* 0: none was noted */
	int64_t seen_ms; /* time the queue had seen pass, at the last note */
	int64_t life_from_s; /* 0: from its arrival */
	int64_t tried_wall_ms; /* the last attempt; 0: none */
	bool is_delay_told; /* the sender knows that it takes long */
	/* It was being sent, see spool_note_offer(), when the journal ends. */
	bool is_offered;
	bool is_held;
	char reason[320]; /* why it is held, "" */
};

/* Each adds one line; false: the buffer is full. */
bool spool_note_attempt(
    struct buf *to, int64_t wall_ms, int64_t seen_ms) MUST_CHECK;
bool spool_note_seen(struct buf *to, int64_t wall_ms,
    int64_t seen_ms) MUST_CHECK; /* time has passed without an attempt */
bool spool_note_rcpt(
    struct buf *to, size_t index, const struct rcpt *r) MUST_CHECK;
/* The last byte of a transaction for these recipients (ascending) is about to
 * go to `who': until the next attempt, or a verdict, is noted, they may have
 * been served, and their last verdict is verdict_unanswered().  n 0: all
 * answers came after all. */
bool spool_note_offer(struct buf *to, int64_t wall_ms, const char *who,
    const size_t *rcpts, size_t n) MUST_CHECK;
bool spool_note_next(struct buf *to, int64_t next_wall_ms) MUST_CHECK;
bool spool_note_hold(
    struct buf *to, int64_t wall_ms, const char *why) MUST_CHECK;
/* An equal message came, and this one stands for it, too. */
bool spool_note_equal(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Its life starts anew. */
bool spool_note_release(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Somebody knows that this recipient has failed; of one that waits again by
 * now it says nothing. */
bool spool_note_told(struct buf *to, int64_t wall_ms, size_t index) MUST_CHECK;
/* Somebody knows that it takes long. */
bool spool_note_delay_told(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Recipients that failed wait again; life starts anew. */
bool spool_note_requeue(struct buf *to, int64_t wall_ms) MUST_CHECK;

/* Folds a journal into envelope and state, which start as the header left
 * them.  *ret_good bytes of it are sound; what follows is the remains of a
 * line that was being written and is to be cut off.  False: a line is bad and
 * good ones follow, so it is damaged. */
bool spool_text_journal_parse(struct bytes journal, struct envelope *env,
    struct spool_state *st, size_t *ret_good);

#endif
