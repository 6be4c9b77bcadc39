/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share.h - what relays that share a queue know together of one account.
 *
 * The store has a text for each account: its standing, what was learnt of the
 * provider, what has been spent of its limits, and what each relay has
 * (reserved recipients, connections).  A relay takes a turn at this text: it
 * says what it has and wants, and hears what it may have.  The store runs turns
 * one after the other, so no limit is exceeded over all relays.
 *
 * A relay reserves recipients before it sends: a SHARE_BLOCKS-th of the
 * smallest limit at a time, for SHARE_LIFE_MS.  What a relay has reserved when
 * it dies counts as sent.  Its connections are free as soon as it is known to
 * be dead.
 *
 * doc/formats/store-postgres describes the text.  A value without I/O; all
 * times are the store's, in ms since 1970.
 */
#ifndef ACCOUNT_SHARE_H
#define ACCOUNT_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/share_turn.h"

enum {
	SHARE_PART_MAX = 64 * 1024, /* bytes of each part of the text */
	SHARE_BLOCKS = 20,
	SHARE_LIFE_MS = 10 * 1000,
	/* How long a relay keeps its only connection when there are fewer
	 * connections than relays that need one. */
	SHARE_TERM_MS = 10 * 1000
};

/* The standing of the account as relays know it.  Version 0: none was reported
 * yet. */
struct share_standing {
	uint64_t version;
	struct buf text; /* lines of standing.h */
};

struct share_ask {
	uint64_t limits[BUDGET_WINDOWS]; /* as in budget.h; 0: none */
	uint32_t used; /* recipients, since the last turn */
	uint32_t left; /* reserved recipients that the relay keeps */
	bool wants_more;
	size_t max_connections;
	size_t connections; /* connections it has */
	size_t allowed; /* connections it may have by the last answer */
	size_t wanted; /* connections it wants, in all */
	struct share_standing standing; /* the standing as the relay knows it */
	bool has_standing; /* the relay reports a new standing */
	/* also if another relay has reported another one meanwhile */
	bool must_standing;
	/* Lines "HOST WORD VALUE TIME"; the newest line of a host and word
	 * counts. */
	struct buf learnt;
	/* The first turn of this relay: what it spent alone is added first
	 * (carry.h). */
	bool is_first;
	bool has_flush; /* the mail of all relays is to be tried now */
};

struct share_answer {
	int64_t now_ms;
	uint32_t left; /* recipients reserved from now on, for SHARE_LIFE_MS */
	/* What all relays have spent, with these limits. */
	struct budget budget;
	/* Connections the relay may have; if it has more, it soon gives some
	 * back. */
	size_t connections;
	struct share_standing standing; /* of all relays */
	struct buf learnt;
	uint64_t flushes; /* how often has_flush was set */
	/* Events that concern all relays are reported to people by this relay
	 * alone. */
	bool is_speaker;
};

void share_ask_init(struct share_ask *ask);
void share_ask_clear(struct share_ask *ask);
void share_answer_init(struct share_answer *answer);
void share_answer_clear(struct share_answer *answer);

/* Takes the turn: changes text, and fills in *answer. */
void share_take_turn(struct buf *text, const struct share_turn *turn,
    const struct share_ask *ask, struct share_answer *answer);

/* Adds to the shared counts what a relay that was alone has spent, by its
 * clock. */
void share_add_spent(struct buf *text, const struct share_turn *turn,
    const struct budget *spent, int64_t now_s);
/* The reverse, when no relay runs: what all have spent or reserved, by the
 * clock of the turn.  share_forget_spent() then removes it from text. */
void share_spent(
    struct bytes text, const struct share_turn *turn, struct budget *ret);
void share_forget_spent(struct buf *text);

/* Recipients that are reserved at a time. */
uint32_t share_block(const uint64_t limits[BUDGET_WINDOWS]);

#endif
