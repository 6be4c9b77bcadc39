/* SPDX-License-Identifier: GPL-3.0-or-later */
/* standing.h - whether an account may work, and if not, why and until when.
 *
 * An account is ready; paused until a time, because the provider or the network
 * is in trouble (no message is charged) or a quota is used up (the window is
 * closed); or held, because the login was refused and a person must act.  A
 * held account still tries, rarely (R56-R58).
 *
 * A value without I/O.  Times are of the boot clock; what is saved is of the
 * wall clock.
 */
#ifndef ACCOUNT_STANDING_H
#define ACCOUNT_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "account/login_mark.h"
#include "base/buf.h"
#include "base/rng.h"
#include "mail/diagnosis.h"

enum account_state { ACCOUNT_READY, ACCOUNT_PAUSED, ACCOUNT_HELD };

/* Whose trouble it is (outbound/pool.h). */
enum standing_blame {
	BLAME_PROVIDER,
	BLAME_OPEN, /* the provider's, or one message's */
	BLAME_MESSAGE
};

struct standing {
	enum account_state state;
	int64_t until_ms;
	/* "": no trouble so far, or it is over */
	char reason[DIAGNOSIS_REASON_MAX + 1];
	/* the reason that every user may read */
	char public_reason[DIAGNOSIS_REASON_MAX + 1];
	int64_t troubled_since_ms; /* while there is a reason */
	/* first pause since a message was accepted; 0: none */
	int64_t paused_since_ms;
	int troubles; /* since a message was accepted */
	int doubts; /* pauses since then whose blame was open */
	int refusals; /* refused logins in a row */
	int broken; /* sessions in a row that accepted nothing */
	bool is_proven; /* the last login worked, and no trouble since */
	/* paused by a quota, so a new network does not help */
	bool is_window_closed;
	bool is_own_limit; /* the quota is a limit in the options */
	bool is_on_trial; /* no message was accepted since a quota reply */
	/* Since a message was accepted, an attempt was made after a reload. */
	bool has_tried_again;
	struct login_mark mark; /* while the account is held */
};

/* Why an account pauses or is held, in one sentence.  public_reason is for
 * people who may not read the provider's reply to another user's message; NULL:
 * the same. */
struct standing_why {
	const char *reason, *public_reason;
};

/* Begins a pause or a hold. */
void standing_down(struct standing *s, enum account_state state,
    const struct standing_why *why, int64_t now_ms, int64_t wait_ms);
/* The length of the next pause or hold in ms; each is longer than the previous
 * one.  While the blame is open, five short pauses come before the usual ones,
 * the first a 32nd of the usual first pause.  A message that is to blame costs
 * only half a second. */
int64_t standing_pause_ms(struct standing *s, enum standing_blame blame,
    int64_t retry_after_ms, const struct rng *rng);
int64_t standing_hold_ms(struct standing *s);
/* Allows an attempt.  The reason and the counts of trouble stay until something
 * succeeds. */
void standing_let_try(struct standing *s);
/* The login works again: forgets the reason. */
void standing_forget_reason(struct standing *s);
/* Forgets all trouble. */
void standing_clear(struct standing *s);

/* Saves and loads.  A hold or a closed window is kept across a restart, because
 * some providers count every attempt against us; a pause for network trouble is
 * not.  A wait longer than 25 hours is ignored, because the clock may have been
 * wrong. */
void standing_save(
    const struct standing *s, int64_t now_ms, int64_t now_s, struct buf *to);
void standing_load(
    struct standing *s, int64_t now_ms, int64_t now_s, struct bytes saved);

/* The text that tells other relays the standing, or that the account is ready
 * and why; standing_hear() reads it.  Empty: it is ready by now, and the cause
 * was none. */
enum standing_cause {
	STANDING_NONE, /* what is told is a hold or a closed window */
	STANDING_WORKED, /* a login worked, or a message was accepted */
	STANDING_PERSON, /* a person wants an attempt */
	/* The login of this relay has changed; that of others may have. */
	STANDING_RENEWED,
	STANDING_CAUSES
};
void standing_say(const struct standing *s, enum standing_cause cause,
    int64_t now_ms, int64_t now_s, struct buf *to);
/* False: the account is ready, for that cause. */
bool standing_hear(struct standing *ret, enum standing_cause *ret_cause,
    int64_t now_ms, int64_t now_s, struct bytes said);

#endif
