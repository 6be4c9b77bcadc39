/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_view.h - a message in the store as listings and relais show present
 * it.
 */
#ifndef STORE_STORE_VIEW_H
#define STORE_STORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

enum {
	STORE_REASON_MAX = 2048,
	STORE_VIEW_HEADER = 64 * 1024, /* bytes of the message's header */
	STORE_VIEW_MAX = 256 * 1024 + STORE_VIEW_HEADER + 1
};

/* The state of a message by its journal. */
enum store_phase { STORE_DUE, STORE_ACTIVE, STORE_HELD, STORE_GIVEN_UP };
/* has_owner: a running relay owns the message, so an attempt that was begun may
 * still be in progress. */
enum store_phase store_phase(
    enum store_place place, const struct journal_state *st, bool has_owner);

/* A message in a listing, from envelope and journal alone. */
struct store_view {
	const char *state; /* "due", "active", "held", "failed" */
	/* a recipient that still waits; borrowed from the envelope */
	const char *rcpt;
	int64_t next_s; /* seconds from now; -1: it waits for a person */
	bool is_uncertain;
	struct buf reason; /* the caller clears it */
};
void store_view(struct store_view *ret, enum store_place place,
    const struct envelope *env, const struct journal_state *st, bool has_owner,
    int64_t now_s);

/* Appends the message in full: its journal without checksums, an empty line,
 * and its header, as far as there is room.  Reads the store, and so blocks. */
void store_view_text(struct store *s, struct store_message *m, struct buf *to);
/* Appends the header of a message, up to its empty line. */
void store_view_header(struct buf *to, const char *p, size_t n);

#endif
