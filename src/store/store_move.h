/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_move.h - moves all messages of a spool into a shared store, or back.
 *
 * A move can be interrupted at any moment and run again; then no message is
 * lost and none is duplicated.  For this, moving messages belong to a number of
 * their own in the shared store, so that no relay touches them; and a note in
 * the spool keeps relaisd from using it until the move is complete.
 *
 * Blocks.  For a program that has both stores to itself.
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

/* What a shared store does for a move, besides store.h. */
struct store_mover {
	/* Takes over at most max messages that nobody owns.  A scan that begins
	 * afterwards finds them, and what an earlier run left behind.  Returns
	 * how many there are, or -1. */
	int (*take)(struct store *far, size_t max, struct err *err);
	/* Releases these messages, so that any relay may take them; n 0: all of
	 * ours. */
	int (*give)(struct store *far, const char (*ids)[QID_SIZE], size_t n,
	    struct err *err);
	/* As put(), for a message that is read from another store while it is
	 * written. */
	int (*put)(struct store *far, const char *id, struct bytes header,
	    struct store *from, struct store_message *m,
	    const struct store_notes *notes, struct err *err);
};

struct store_move {
	struct store *here, *far;
	const struct store_mover *mover; /* the mover of far */
	bool is_export; /* from far to here */
	size_t moved, damaged;
	uint64_t bytes;
	void (*progress)(void *ctx, const struct store_move *m); /* or NULL */
	void *ctx;
};

/* Notes a move in the spool and returns its number: a new one (from random,
 * above 0), or that of an interrupted run.  -1: that run had another direction
 * or another database, or the note cannot be read or written; err says what to
 * do. */
int store_move_begin(struct store *here, bool is_export, const char *far_name,
    uint64_t random, int64_t *ret_number, struct err *err) MUST_CHECK;
/* Moves all messages, STORE_MOVE_MAX at a time.  Damaged messages stay and are
 * counted.  -1: interrupted; the next run continues. */
int store_move_run(struct store_move *m, struct err *err) MUST_CHECK;
/* Removes the note, so that relaisd may start. */
int store_move_end(struct store *here, struct err *err) MUST_CHECK;

/* -1: a move was interrupted and must be completed first. */
int store_move_check(struct store *here, struct err *err) MUST_CHECK;

#endif
