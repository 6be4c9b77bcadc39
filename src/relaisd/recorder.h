/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recorder.h - writes down what became of messages, for `relais log'.
 *
 * Entries are gathered for half a second and go to the store's history on a
 * worker thread, so no delivery waits for them.  If the store takes none, that
 * is logged once, and mail and history go on without those entries, or with
 * them when a remote store is back.
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

/* store must outlive it. */
struct recorder *recorder_new(struct loop *l, struct store *store);
/* Writes what is left; blocks.  NULL is allowed. */
void recorder_free(struct recorder *r);
/* At the start and after each reload: history, history_life,
 * history_subject. */
void recorder_set(struct recorder *r, const struct conf *c);

/* The subject of e is found in the message, if it is wanted and claim is not
 * NULL. */
void recorder_note(struct recorder *r, const struct history_entry *e,
    struct queue_claim *claim);

/* What became of recipients since the start, also of what is not kept; and how
 * long those that were delivered had been here: at most so many seconds, by the
 * steps of recorder_steps, the last one without an end. */
enum { RECORDER_STEPS = 8 };
extern const int recorder_steps[RECORDER_STEPS];
struct recorder_totals {
	uint64_t of[HISTORY_STATES];
	uint64_t took[RECORDER_STEPS + 1];
	uint64_t took_s; /* all of them together */
};
void recorder_totals(const struct recorder *r, struct recorder_totals *ret);

/* Somebody who reads the history: done() is called once when the store has, or
 * has refused, all that was noted before; perhaps from within.  The store's
 * history may be opened in it.  recorder_leave() before it is freed. */
struct recorder_reader {
	struct list link;
	void (*done)(void *ctx);
	/* From done() on, if it is not NULL: each new entry, at once. */
	void (*entry)(void *ctx, const struct history_entry *e);
	void *ctx;
};
void recorder_read(struct recorder *r, struct recorder_reader *reader);
void recorder_leave(struct recorder_reader *reader);

/* Lines that make no sense were found: logged once. */
void recorder_note_damage(struct recorder *r);
/* How old an entry may be. */
int64_t recorder_life_ms(const struct recorder *r);

#endif
