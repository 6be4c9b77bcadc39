/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal.h - what happened to a message since it came, a line an event.
 *
 * The journal stands behind the end record (store_text.h) and is only appended
 * to.  Each line carries a CRC-32; the remains of one that a crash left behind
 * are told from damage.
 *
 * Pure.  Parsing never trusts its input: any bytes give an answer.
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
	int64_t seen_ms; /* time the queue had seen pass, at the last note */
	int64_t life_from_s; /* 0: from its arrival */
	int64_t tried_wall_ms; /* the last attempt; 0: none */
	bool is_delay_told; /* the sender knows that it takes long */
	/* It was being sent, see journal_mark(), when the journal ends. */
	bool is_marked;
	bool is_done; /* nothing is left to do: the file may go */
	bool is_held;
	char reason[DIAGNOSIS_REASON_MAX + 1]; /* why it is held, "" */
};

/* Each adds one line; false: the buffer is full. */
bool journal_attempt(
    struct buf *to, int64_t wall_ms, int64_t seen_ms) MUST_CHECK;
bool journal_seen(struct buf *to, int64_t wall_ms,
    int64_t seen_ms) MUST_CHECK; /* time has passed without an attempt */
/* What became of the recipient at this index. */
bool journal_rcpt(
    struct buf *to, size_t index, const struct rcpt *r) MUST_CHECK;
/* The last byte of a transaction for these recipients (ascending) is about to
 * go to `who': until the next attempt, or a verdict, is noted, they may have
 * been served, and their last verdict is verdict_unanswered().  n 0: all
 * answers came after all. */
bool journal_mark(struct buf *to, int64_t wall_ms, const char *who,
    const size_t *rcpts, size_t n) MUST_CHECK;
/* When it is tried next; it is held, and why. */
bool journal_next(struct buf *to, int64_t next_wall_ms) MUST_CHECK;
bool journal_hold(struct buf *to, int64_t wall_ms, const char *why) MUST_CHECK;
/* An equal message came, and this one stands for it, too. */
bool journal_equal(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Its life starts anew. */
bool journal_release(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Somebody knows that this recipient has failed; of one that waits again by
 * now it says nothing. */
bool journal_told(struct buf *to, int64_t wall_ms, size_t index) MUST_CHECK;
/* Somebody knows that it takes long. */
bool journal_delay_told(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Recipients that failed wait again; life starts anew. */
bool journal_requeue(struct buf *to, int64_t wall_ms) MUST_CHECK;
/* Nothing of the message is needed any more: all recipients have it, or it was
 * refused or deleted.  The file is about to be removed. */
bool journal_done(struct buf *to, int64_t wall_ms) MUST_CHECK;

/* Folds a journal into envelope and state, which start as the header left
 * them.  *ret_good bytes of it are sound; what follows is the remains of a
 * line that was being written and is to be cut off.  False: a line is bad and
 * good ones follow, so it is damaged. */
bool journal_parse(struct bytes journal, struct envelope *env,
    struct journal_state *st, size_t *ret_good);

/* The verdict at the end of a line, as that of a recipient has it behind number
 * and state.  *v, which starts as zeroes, is undefined if this is false. */
bool journal_verdict(struct bytes args, struct verdict *v);
/* And back, without the end of the line. */
bool journal_add_verdict(struct buf *to, const struct verdict *v) MUST_CHECK;

#endif
