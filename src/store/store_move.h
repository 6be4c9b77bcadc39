/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_move.h - all messages of a spool go into a shared store, or back.
 *
 * Whatever moment it is broken off at, it can be run again, and then nothing is
 * lost and nothing is there twice.  That needs two things of the shared store:
 * what moves belongs to a number of its own, so that no relay touches it; and
 * of the spool: a note that keeps relaisd from it until the move is over.
 *
 * Blocks; for a program that has both stores to itself.
 */
#ifndef STORE_STORE_MOVE_H
#define STORE_STORE_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/must.h"
#include "store/store.h"

enum { STORE_MOVE_MAX = 100 }; /* messages at a time */

/* What a store does for that, besides store.h. */
struct store_mover {
	/* Makes at most max of those ours that nobody has; a scan that begins
	 * afterwards finds them, and what an earlier run has left.  How many
	 * that are, or -1. */
	int (*take)(struct store *far, size_t max, struct err *err);
	/* These are anybody's now; n 0: all that are ours. */
	int (*give)(struct store *far, const char (*ids)[QID_SIZE], size_t n,
	    struct err *err);
	/* As put(), of one that is read from another store while it is
	 * written. */
	int (*put)(struct store *far, const char *id, struct bytes header,
	    struct store *from, struct store_message *m,
	    const struct store_notes *notes, struct err *err);
};

struct store_move {
	struct store *here, *far;
	const struct store_mover *mover; /* of far */
	bool is_export; /* from far to here */
	size_t moved, damaged;
	uint64_t bytes;
	void (*progress)(void *ctx, const struct store_move *m); /* or NULL */
	void *ctx;
};

/* The number of a move, noted in the spool: a new one (from random, above 0),
 * or that of a run that was broken off.  -1: that run had another direction or
 * another database, or the note cannot be read or written; err says what to
 * do. */
int store_move_begin(struct store *here, bool is_export, const char *far_name,
    uint64_t random, int64_t *ret_number, struct err *err) MUST_CHECK;
/* Moves all that there is, in pieces of STORE_MOVE_MAX; damaged messages stay
 * and are counted.  -1: broken off; the next run goes on. */
int store_move_run(struct store_move *m, struct err *err) MUST_CHECK;
/* The note goes: relaisd may start. */
int store_move_end(struct store *here, struct err *err) MUST_CHECK;

/* -1: a move was broken off, and mail must wait for its end. */
int store_move_check(struct store *here, struct err *err) MUST_CHECK;

#endif
