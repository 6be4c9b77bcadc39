/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diagnosis.h - says what a reply really means and what to do about it.
 *
 * Replies do not always mean what their class says: a 550 may be a quota that
 * reopens tomorrow, a 450 may look like an unknown mailbox and be a limit.  One
 * table (src/mail/replies), rows of known providers first, general rules last,
 * says for a verdict which of the actions of the queue fits, how long a closed
 * window stays closed, and cause and remedy for a person.  Rows of the user's
 * come before it.  `relais explain`, the log, and the decisions of outbound
 * read this table; two things are judged before it: whether a refused AUTH ends
 * the login (sasl/sasl_login.c), and what ends the session whatever it says
 * (smtp/smtp_pipeline.c, look_behind()).
 *
 * Pure, but for the one pointer that diagnosis_use() sets; one thread.
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
	DIAGNOSIS_SPLIT_DOMAINS, /* likewise, one domain at a time */
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

enum { DIAGNOSIS_TEXT_MAX = 320, DIAGNOSIS_REASON_MAX = 1200 };

struct diagnosis {
	enum diagnosis_act act;
	int64_t pause_ms; /* DIAGNOSIS_QUOTA: no attempt before then */
	/* One sentence each, "" if nothing is known. */
	char cause[DIAGNOSIS_TEXT_MAX];
	char remedy[DIAGNOSIS_TEXT_MAX];
};

/* An answer and what it means, found out once, where it is heard; a value that
 * travels. */
struct answer {
	struct verdict verdict;
	struct diagnosis meaning;
};

/* host: the server's name.  A provider is named only if that is its server; ""
 * says that nobody knows: then what is one provider's alone is told with an
 * "if". */
struct diagnosis diagnose(const struct verdict *v, const char *host);

/* The same, by the server that v itself names. */
struct diagnosis diagnosis_of(const struct verdict *v);

/* Rows that come before the shipped ones, until the next call; NULL: none.
 * Borrowed. */
struct reply_table;
void diagnosis_use(const struct reply_table *rows);
/* The shipped rows. */
const struct reply_table *diagnosis_shipped(void);

/* Reply, cause and remedy in one line of at most DIAGNOSIS_REASON_MAX bytes.
 * If that is too little, it is the reply that is cut: what a person has to do
 * is always there to its end. */
void diagnosis_reason(
    const struct verdict *v, const struct diagnosis *d, struct buf *to);

/* For `relais explain`: a reply as a person pastes it, "535 5.7.139 ...", from
 * a log maybe with something in front.  The stage follows from the code as well
 * as it can, and `who' is the provider's server if one is named in front.
 * False: there is no code in it; it is taken for a refusal, and what the table
 * then knows it knows from the words. */
bool diagnosis_read(struct bytes text, struct verdict *ret);

/* "retry", "pause", ...: for listings and JSON. */
const char *diagnosis_act_name(enum diagnosis_act a);

#endif
