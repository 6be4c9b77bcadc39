/* SPDX-License-Identifier: GPL-3.0-or-later */
/* learnt.h - what a provider does and does not say, found out by trying.
 *
 * A few facts of one account, each a small number, kept across restarts so that
 * nothing is tried in vain twice.  Facts about another host do not count, and
 * none counts for longer than 30 days: providers change, and a fact may have
 * been wrong.
 *
 * A value without I/O.
 */
#ifndef ACCOUNT_LEARNT_H
#define ACCOUNT_LEARNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum learnt_fact {
	LEARNT_EHLO, /* learnt_ehlo(): the names it refuses */
	LEARNT_DISTRUST, /* enum smtp_distrust */
	LEARNT_BARE_AUTH, /* 1: it takes no initial response */
	LEARNT_RCPT_MAX, /* so many recipients in one transaction */
	LEARNT_NO_NULL_SENDER, /* 1: it takes no mail from <> */
	LEARNT_PER_CONNECTION, /* so many messages */
	/* Those from here on are true, or suspected, until the program ends. */
	LEARNT_KEPT,
	LEARNT_ONE_DOMAIN =
	    LEARNT_KEPT, /* 1: recipients of one at a time, R61 */
	LEARNT_PLAIN, /* 1: it gets confused by pipelining */
	LEARNT_NAMES_TRIED, /* refused in EHLO since a session came to be */
	/* 1: a connection was lost after a BDAT, and no message has been
	 * accepted since. */
	LEARNT_LOST_BDAT,
	LEARNT_SPENT, /* messages before the last 421 in the middle */
	LEARNT_COUNT
};

struct learnt {
	struct {
		uint32_t value; /* 0: nothing is known */
		int64_t when_s; /* wall clock */
	} facts[LEARNT_COUNT];
};

/* Is there nothing that time could have made invalid? */
static inline bool
learnt_is_blank(const struct learnt *l, enum learnt_fact f)
{
	return l->facts[f].value == 0;
}

/* 0: nothing is known, or it is too long ago. */
uint32_t learnt_value(
    const struct learnt *l, enum learnt_fact f, int64_t now_s);
/* value 0 forgets.  True: that is news. */
bool learnt_set(
    struct learnt *l, enum learnt_fact f, uint32_t value, int64_t now_s);

/* The names it refuses, one bit each; what they are depends on the one that is
 * configured, or NULL: with another one, nothing is known. */
uint32_t learnt_ehlo(unsigned refused, const char *configured);
unsigned learnt_ehlo_refused(uint32_t value, const char *configured);

/* One sentence for the log, or nothing. */
void learnt_text(enum learnt_fact f, uint32_t value, struct buf *to);

/* One line per fact, to be kept (those before LEARNT_KEPT); and back.  Lines
 * that make no sense, or are about another host, are skipped. */
void learnt_save(const struct learnt *l, const char *host, struct buf *to);
void learnt_load(struct learnt *l, const char *host, struct bytes saved);
/* Takes what is newer there. */
void learnt_merge(struct learnt *l, const struct learnt *other);

#endif
