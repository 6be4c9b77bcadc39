/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_view.h - a message at rest as people are shown it. */
#ifndef STORE_STORE_VIEW_H
#define STORE_STORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

enum {
	STORE_REASON_MAX = 2048,
	STORE_VIEW_HEADER = 64 * 1024, /* of the message */
	STORE_VIEW_MAX = 256 * 1024 + STORE_VIEW_HEADER + 1
};

/* What a message is at, by its journal. */
enum store_phase { STORE_DUE, STORE_ACTIVE, STORE_HELD, STORE_GIVEN_UP };
/* has_owner: a relay has it that lives, so what was begun may still go on. */
enum store_phase store_phase(
    enum store_place place, const struct journal_state *st, bool has_owner);

/* In a listing, by envelope and journal alone. */
struct store_view {
	const char *state; /* "due", "active", "held", "failed" */
	const char *rcpt; /* one that still needs it; the envelope's */
	int64_t next_s; /* seconds from now; -1: it waits for a person */
	bool is_uncertain;
	struct buf reason; /* the caller clears it */
};
void store_view(struct store_view *ret, enum store_place place,
    const struct envelope *env, const struct journal_state *st, bool has_owner,
    int64_t now_s);

/* In full: its journal without the checksums, an empty line, and its header, as
 * far as there is room.  Reads the store. */
void store_view_text(struct store *s, struct store_message *m, struct buf *to);
/* The header at the beginning of a message, up to its empty line. */
void store_view_header(struct buf *to, const char *p, size_t n);

#endif
