/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recorder.h - records what became of messages, for `relais log'.
 *
 * Entries are gathered for half a second and written to the store's history on
 * a worker thread, so no delivery waits for them.  If the store cannot write
 * them, that is logged once, and mail continues; the entries are lost, unless a
 * remote store takes them later.
 */
#ifndef RELAISD_RECORDER_H
#define RELAISD_RECORDER_H

#include "base/list.h"
#include "store/history.h"
#include "store/store.h"

struct conf;
struct loop;
struct queue_claim;
struct recorder;

enum { RECORDER_WAIT_MS = 500, RECORDER_MAX = 1024 * 1024 };

/* store must outlive the recorder. */
struct recorder *recorder_new(struct loop *l, struct store *store);
/* Writes the remaining entries; blocks.  NULL is allowed. */
void recorder_free(struct recorder *r);
/* Applies the settings history, history_life and history_subject, at the start
 * and after each reload. */
void recorder_set(struct recorder *r, const struct conf *c);

/* Records an entry.  Its subject is read from the message if it is wanted and
 * claim is not NULL. */
void recorder_note(struct recorder *r, const struct history_entry *e,
    struct queue_claim *claim);

/* What became of recipients since the start, recorded or not; and how long the
 * delivered ones had been here, counted in the steps of recorder_steps (at most
 * so many seconds; the last step has no end). */
enum { RECORDER_STEPS = 8 };
extern const int recorder_steps[RECORDER_STEPS];
struct recorder_totals {
	uint64_t of[HISTORY_STATES];
	uint64_t took[RECORDER_STEPS + 1];
	uint64_t took_s; /* sum over all of them */
};
void recorder_totals(const struct recorder *r, struct recorder_totals *ret);

/* A reader of the history.  done() is called once, perhaps from within
 * recorder_read(), when the store has written or refused everything that was
 * recorded before; the reader may open the store's history in it.
 * recorder_leave() before the reader is freed. */
struct recorder_reader {
	struct list link;
	void (*done)(void *ctx);
	/* After done(): called for each new entry at once; or NULL. */
	void (*entry)(void *ctx, const struct history_entry *e);
	void *ctx;
};
void recorder_read(struct recorder *r, struct recorder_reader *reader);
void recorder_leave(struct recorder_reader *reader);

/* Invalid lines were found in the history; logged once. */
void recorder_note_damage(struct recorder *r);
/* The maximum age of an entry in ms. */
int64_t recorder_life_ms(const struct recorder *r);

#endif
