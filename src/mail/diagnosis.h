/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diagnosis.h - says what a reply really means and what to do about it.
 *
 * Replies do not always mean what their class says: a 550 may be a quota that
 * reopens tomorrow, a 450 may look like an unknown mailbox and be a limit.  One
 * table (src/mail/replies), with rows of known providers first and general
 * rules last, says which action of the queue fits a verdict, how long a closed
 * window stays closed, and cause and remedy for a person.  Rows of the user
 * come before it.  `relais explain', the log, and the decisions of outbound use
 * this table.  Two questions are decided before it: whether a refused AUTH ends
 * the login (sasl/sasl_login.c), and which replies end the session whatever
 * they say (smtp/smtp_pipeline.c, look_behind()).
 *
 * Pure, except for the pointer that diagnosis_use() sets; one thread.
 */
#ifndef MAIL_DIAGNOSIS_H
#define MAIL_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/verdict.h"

enum diagnosis_act {
	DIAGNOSIS_NONE = 0, /* no refusal */
	DIAGNOSIS_RETRY, /* this message or recipient, later */
	DIAGNOSIS_SPLIT, /* this recipient in another transaction, at once */
	/* likewise, one recipient domain per transaction */
	DIAGNOSIS_SPLIT_DOMAINS,
	/* This connection is used up or out of step: open a new one at once;
	 * nothing is charged to anything. */
	DIAGNOSIS_RECONNECT,
	/* One mechanism is refused, not the login.  When no other is left, the
	 * account is held. */
	DIAGNOSIS_NEXT_MECHANISM,
	DIAGNOSIS_PAUSE, /* the account, with back-off; not charged */
	DIAGNOSIS_QUOTA, /* the account, until its window reopens */
	DIAGNOSIS_HOLD_ACCOUNT, /* a person must change something */
	DIAGNOSIS_HOLD_MESSAGE, /* a setting about this sender is wrong */
	DIAGNOSIS_FAIL /* this recipient or message has failed */
};

enum { DIAGNOSIS_TEXT_MAX = 320, DIAGNOSIS_REASON_MAX = 1200 };

struct diagnosis {
	enum diagnosis_act act;
	int64_t pause_ms; /* DIAGNOSIS_QUOTA: no attempt before then */
	/* One sentence each, "" if nothing is known. */
	char cause[DIAGNOSIS_TEXT_MAX];
	char remedy[DIAGNOSIS_TEXT_MAX];
};

/* An answer and its meaning.  The meaning is found once, where the answer
 * arrives, and is then passed on with it. */
struct answer {
	struct verdict verdict;
	struct diagnosis meaning;
};

/* Finds the meaning of a verdict.  host: the server's name.  A provider is
 * named only if this is its server; "": the server is not known, so texts about
 * one provider begin with "if". */
struct diagnosis diagnose(const struct verdict *v, const char *host);

/* The same, for the server named in v. */
struct diagnosis diagnosis_of(const struct verdict *v);

/* Sets the rows that come before the shipped ones, until the next call; NULL:
 * none.  Borrowed. */
struct reply_table;
void diagnosis_use(const struct reply_table *rows);
/* The shipped rows. */
const struct reply_table *diagnosis_shipped(void);

/* Appends reply, cause and remedy in one line of at most DIAGNOSIS_REASON_MAX
 * bytes.  If that is too short, the reply is cut; the remedy is always
 * complete. */
void diagnosis_reason(
    const struct verdict *v, const struct diagnosis *d, struct buf *to);

/* For `relais explain`: parses a reply as a person pastes it, "535 5.7.139
 * ...", perhaps from a log with other text in front.  The stage is guessed from
 * the code; `who' is set if a provider's server is named in front.  False: the
 * text has no code; it is taken for a refusal, and only its words are used. */
bool diagnosis_read(struct bytes text, struct verdict *ret);

/* "retry", "pause", ...: for listings and JSON. */
const char *diagnosis_act_name(enum diagnosis_act a);

#endif
