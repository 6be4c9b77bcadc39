/* SPDX-License-Identifier: GPL-3.0-or-later */
/* standing.h - may an account work, and if not: why, and until when.
 *
 * Ready; paused until a time (the provider or the network is in trouble:
 * nothing is charged to any message), which may be a closed window (a quota);
 * held (the login was refused: a person must act, meanwhile few and slow tries,
 * R56-R58).
 *
 * A value without I/O.  Times are of the boot clock; what is kept across a
 * restart is of the wall clock.
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
	BLAME_OPEN, /* the provider's, or the fault of one message */
	BLAME_MESSAGE
};

struct standing {
	enum account_state state;
	int64_t until_ms;
	char reason[DIAGNOSIS_REASON_MAX + 1]; /* "": never any, or over */
	char told[DIAGNOSIS_REASON_MAX + 1]; /* the reason, for everybody */
	int64_t troubled_since_ms; /* while there is a reason */
	int64_t
	    paused_since_ms; /* the first pause since mail was taken; 0: none */
	int troubles; /* since a message was taken */
	int doubts; /* likewise, pauses whose blame was open */
	int refusals; /* of the login, in a row */
	int broken; /* sessions in a row that took nothing */
	bool is_proven; /* the newest login worked, no trouble since */
	bool is_window_closed; /* paused by a quota: the network is no cure */
	bool is_own_limit; /* the quota is one of the options */
	bool is_on_trial; /* no message was taken since a quota reply */
	/* Without a cause, since a message was taken. */
	bool has_tried_again;
	struct login_mark mark; /* while the account is held */
};

/* Why an account stands down, in one sentence.  told is for people who may not
 * read what a provider replied to the message of another; NULL: the same. */
struct standing_why {
	const char *reason, *told;
};

/* Begins a pause or a hold. */
void standing_down(struct standing *s, enum account_state state,
    const struct standing_why *why, int64_t now_ms, int64_t wait_ms);
/* The length of the next pause or hold; each is longer than the previous one.
 * While the blame is open, five short pauses come before the usual ones, from a
 * 32nd of the first of these on.  A message that is to blame costs only half a
 * second. */
int64_t standing_pause_ms(struct standing *s, enum standing_blame blame,
    int64_t retry_after_ms, const struct rng *rng);
int64_t standing_hold_ms(struct standing *s);
/* Not ready yet, only allowed to try: the reason and the count of troubles stay
 * until something succeeds. */
void standing_let_try(struct standing *s);
/* The login works again: there is no reason any more. */
void standing_forget_reason(struct standing *s);
/* Forgets all trouble. */
void standing_clear(struct standing *s);

/* Save and restore.  A hold or a closed window outlasts a restart, because some
 * providers count every attempt against us.  A pause for network trouble does
 * not.  A wait longer than a day is ignored, because the clock may have been
 * wrong. */
void standing_save(
    const struct standing *s, int64_t now_ms, int64_t now_s, struct buf *to);
void standing_load(
    struct standing *s, int64_t now_ms, int64_t now_s, struct bytes saved);

/* What other relays are told, and back: as it is kept, or "ready", and by whom
 * and why. */
enum standing_cause {
	STANDING_WORKED, /* a login worked, or a message was taken */
	STANDING_PERSON, /* somebody wants it tried */
	/* The login of this relay is another now; that of others may be. */
	STANDING_RENEWED,
	STANDING_CAUSES
};
void standing_say(const struct standing *s, enum standing_cause cause,
    int64_t now_ms, int64_t now_s, struct buf *to);
/* False: it is ready, for that cause. */
bool standing_hear(struct standing *ret, enum standing_cause *ret_cause,
    int64_t now_ms, int64_t now_s, struct bytes said);

#endif
