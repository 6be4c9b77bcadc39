/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share.h - what relays that share a queue have in common of one account.
 *
 * A text of the store for each account, with its standing, what was learnt of
 * the provider, what has been spent of its limits, and what each relay has:
 * recipients that it may still send to, and connections.  A relay takes a turn
 * at it: it says what it has and wants, and hears what it may have.  The store
 * sees to it that turns come one after the other; so over all relays no limit
 * is exceeded.
 *
 * What a relay may send is reserved for it, SHARE_BLOCKS times within a window,
 * for SHARE_LIFE_MS; when it dies, it counts as sent.  Its connections are free
 * as soon as it is known to be dead.
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
	SHARE_PART_MAX = 64 * 1024, /* of the text */
	SHARE_BLOCKS = 20,
	SHARE_LIFE_MS = 10 * 1000,
	/* So long a relay keeps its only connection when there are fewer than
	 * relays that need one. */
	SHARE_TERM_MS = 10 * 1000
};

/* Version 0: nobody has said anything yet. */
struct share_standing {
	uint64_t version;
	struct buf text; /* lines; what they mean is account.c's */
};

struct share_ask {
	uint64_t limits[BUDGET_WINDOWS]; /* as in budget.h; 0: none */
	uint32_t used; /* recipients, since the last turn */
	uint32_t left; /* of what was reserved, and is to be kept */
	bool wants_more;
	size_t max_connections;
	size_t connections; /* that it has, */
	size_t allowed; /* by the last answer, */
	size_t wanted; /* and that it would like to have, all in all */
	struct share_standing standing; /* as the relay has it, */
	bool has_standing; /* and as all should have it; */
	bool must_standing; /* whatever another relay has said meanwhile */
	/* Lines "HOST WORD VALUE TIME"; the newest of a host and word
	 * counts. */
	struct buf learnt;
	/* The first turn of this relay: what it has spent alone comes before it
	 * (carry.h). */
	bool is_first;
	bool has_flush; /* the mail of all relays is to be tried now */
};

struct share_answer {
	int64_t now_ms;
	uint32_t left; /* from now on; for SHARE_LIFE_MS */
	/* What has been spent by all, with these limits. */
	struct budget budget;
	/* So many it may have; less than it has: it gives some back soon. */
	size_t connections;
	struct share_standing standing; /* of all */
	struct buf learnt;
	uint64_t flushes; /* how often that was wanted */
	/* What happens to all at once is told to people by this one alone. */
	bool is_speaker;
};

void share_ask_init(struct share_ask *ask);
void share_ask_clear(struct share_ask *ask);
void share_answer_init(struct share_answer *answer);
void share_answer_clear(struct share_answer *answer);

/* Changes text as the turn has it, and answers. */
void share_take_turn(struct buf *text, const struct share_turn *turn,
    const struct share_ask *ask, struct share_answer *answer);

/* Of an account that a relay had alone: what it has spent, by its clock, all
 * have spent from now on. */
void share_add_spent(struct buf *text, const struct share_turn *turn,
    const struct budget *spent, int64_t now_s);
/* The other way, when no relay runs: what all have spent, by the clock of the
 * turn, also what was reserved; and then it is forgotten here. */
void share_spent(
    struct bytes text, const struct share_turn *turn, struct budget *ret);
void share_forget_spent(struct buf *text);

/* What is reserved at a time. */
uint32_t share_block(const uint64_t limits[BUDGET_WINDOWS]);

#endif
