/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diagnosis.h - what an answer really means, what to do, and in plain words.
 *
 * Replies do not always mean what their class says: a 550 may be a quota that
 * reopens tomorrow, a 450 may look like an unknown mailbox and be a limit.
 * One table, rows of known providers first, general rules last, says for a
 * verdict which of the actions of the queue fits, how long a closed window
 * stays closed, and cause and remedy for a person.  `relais explain`, the log,
 * and the decisions of outbound all read this table and no other.
 *
 * Pure; the result points into constants.
 */
#ifndef MAIL_DIAGNOSIS_H
#define MAIL_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/verdict.h"

enum diagnosis_act {
	DIAGNOSIS_NONE = 0, /* it went well */
	DIAGNOSIS_RETRY, /* this message or recipient, later */
	DIAGNOSIS_SPLIT, /* this recipient in another transaction, at once */
	DIAGNOSIS_SPLIT_DOMAINS, /* likewise, and those of one domain at a time */
	/* This connection has served its time, or lost the thread: a new one,
	 * at once; nothing is charged to anybody. */
	DIAGNOSIS_RECONNECT,
	/* One way to log in is refused, not the login; when no other is left,
	 * the account is held. */
	DIAGNOSIS_NEXT_MECHANISM,
	DIAGNOSIS_PAUSE, /* the account, with back-off; not charged */
	DIAGNOSIS_QUOTA, /* the account, until its window reopens */
	DIAGNOSIS_HOLD_ACCOUNT, /* a person must change something */
	DIAGNOSIS_HOLD_MESSAGE, /* a setting about this sender is wrong */
	DIAGNOSIS_FAIL /* this recipient or message is done for */
};

struct diagnosis {
	enum diagnosis_act act;
	int64_t pause_ms; /* DIAGNOSIS_QUOTA: no attempt before then */
	const char *cause; /* one sentence, "" if nothing is known */
	const char *remedy; /* one sentence, "" if nothing is known */
};

/* host: the server's name; "" if it is not known: then rows of all providers
 * count that know their reply by its enhanced code or text. */
struct diagnosis diagnose(const struct verdict *v, const char *host);

/* For `relais explain`: a reply as a person pastes it, "535 5.7.139 ...", from
 * a log maybe with something in front.  The stage follows from the code as well
 * as it can.  False: there is no code in it; it is taken for a refusal, and what
 * the table then knows it knows from the words. */
bool diagnosis_read(struct bytes text, struct verdict *ret);

/* "retry", "pause", ...: for listings and JSON. */
const char *diagnosis_act_name(enum diagnosis_act a);

#endif
