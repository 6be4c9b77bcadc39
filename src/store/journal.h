/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal.h - what happened to a message since it arrived, one line for each
 * event.
 *
 * The journal follows the end record (store_text.h) and is only appended to.
 * Each line has a CRC-32, so that the remains of a line that a crash left
 * behind can be told from damage.
 *
 * Pure.  Parsing trusts nothing: any input gives an answer.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"

enum { JOURNAL_MAX = 64 * 1024 * 1024 };

/* What the journal adds to the envelope. */
struct journal_state {
	int attempts;
	int64_t next_wall_ms; /* 0: none was noted */
	int64_t seen_ms; /* how long the queue had known it, at the last line */
	int64_t life_from_s; /* start of its lifetime; 0: its arrival */
	int64_t tried_wall_ms; /* the last attempt; 0: none */
	bool is_delay_told; /* the sender was told of the delay */
	/* The journal ends with a commit mark: an attempt was in progress
	 * (journal_mark()). */
	bool is_marked;
	bool is_done; /* nothing is left to do; the file may be removed */
	bool is_held;
	char reason[DIAGNOSIS_REASON_MAX + 1]; /* why it is held, "" */
};

/* Each function appends one line.  False: the buffer is full. */
bool journal_attempt(
    struct buf *to, int64_t wall_ms, int64_t seen_ms) MUST_CHECK;
bool journal_seen(struct buf *to, int64_t wall_ms,
    int64_t seen_ms) MUST_CHECK; /* time has passed without an attempt */
/* What became of the recipient at this index. */
bool journal_rcpt(
    struct buf *to, size_t index, const struct rcpt *r) MUST_CHECK;
/* A commit mark: the last byte of a transaction for these recipients
 * (ascending) is about to be sent to `who'.  Until another attempt or a verdict
 * is noted they may have the message, and their verdict is
 * verdict_unanswered().  n 0: every answer came after all. */
bool journal_mark(struct buf *to, int64_t wall_ms, const char *who,
    const size_t *rcpts, size_t n) MUST_CHECK;
/* The time of the next attempt; the message is held, and why. */
bool journal_next(struct buf *to, int64_t next_wall_ms) MUST_CHECK;
bool journal_hold(struct buf *to, int64_t wall_ms, const char *why) MUST_CHECK;
/* An equal message was folded into this one. */
bool journal_equal(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* A person released the message: its lifetime starts again. */
bool journal_release(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* A notice about the failure of this recipient was sent, or is not wanted.  Has
 * no meaning if the recipient is waiting again. */
bool journal_told(struct buf *to, int64_t wall_ms, size_t index) MUST_CHECK;
/* A notice about the delay was sent, or is not wanted. */
bool journal_delay_told(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Failed recipients wait again, and the lifetime starts again. */
bool journal_requeue(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Nothing of the message is needed any more, because every recipient has it or
 * it was refused or deleted.  The file is about to be removed. */
bool journal_done(struct buf *to, int64_t wall_ms) MUST_CHECK;

/* Applies a journal to envelope and state, which must be as the header left
 * them.  The first *ret_good bytes are sound; the rest is an unfinished line,
 * to be cut off.  False: the journal is damaged, because sound lines follow a
 * bad one. */
bool journal_parse(struct bytes journal, struct envelope *env,
    struct journal_state *st, size_t *ret_good);

/* Parses the verdict at the end of a recipient's line.  *v must be zeroed, and
 * is undefined if the result is false. */
bool journal_verdict(struct bytes args, struct verdict *v);
/* Appends a verdict in that form, without the end of the line. */
bool journal_add_verdict(struct buf *to, const struct verdict *v) MUST_CHECK;

#endif
