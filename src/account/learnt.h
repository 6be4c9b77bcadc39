/* SPDX-License-Identifier: GPL-3.0-or-later */
/* learnt.h - what a provider does and does not accept, found out by trying.
 *
 * A few facts about the provider of one account, each a small number, kept
 * across restarts so that what does not work is not tried twice.  Facts about
 * another host do not count, and none counts for longer than 30 days: providers
 * change, and a fact may have been wrong.
 *
 * A value without I/O.
 */
#ifndef ACCOUNT_LEARNT_H
#define ACCOUNT_LEARNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum learnt_fact {
	LEARNT_EHLO, /* the names it refuses in EHLO, see learnt_ehlo() */
	LEARNT_DISTRUST, /* enum smtp_distrust */
	LEARNT_BARE_AUTH, /* 1: it takes no initial response */
	LEARNT_RCPT_MAX, /* most recipients in one transaction */
	LEARNT_NO_NULL_SENDER, /* 1: it takes no mail from <> */
	LEARNT_PER_CONNECTION, /* most messages on one connection */
	/* From here on: facts that are forgotten when the program ends. */
	LEARNT_KEPT,
	LEARNT_ONE_DOMAIN =
	    LEARNT_KEPT, /* 1: one recipient domain per transaction, R61 */
	LEARNT_PLAIN, /* 1: pipelining confuses it */
	/* names refused in EHLO since the last session that began */
	LEARNT_NAMES_TRIED,
	/* 1: a connection was lost after a BDAT, and no message has been
	 * accepted since. */
	LEARNT_LOST_BDAT,
	LEARNT_SPENT, /* messages before the last 421 in mid-session */
	LEARNT_COUNT
};

struct learnt {
	struct {
		uint32_t value; /* 0: nothing is known */
		int64_t when_s; /* by account_learnt_s() */
	} facts[LEARNT_COUNT];
};

/* True: no value is stored, not even an outdated one. */
static inline bool
learnt_is_blank(const struct learnt *l, enum learnt_fact f)
{
	return l->facts[f].value == 0;
}

/* 0: nothing is known, or the fact is too old. */
uint32_t learnt_value(
    const struct learnt *l, enum learnt_fact f, int64_t now_s);
/* value 0 forgets the fact.  True: the fact has changed. */
bool learnt_set(
    struct learnt *l, enum learnt_fact f, uint32_t value, int64_t now_s);

/* The names that the provider refuses, one bit each, as a value of LEARNT_EHLO.
 * What the bits mean depends on the configured name (or NULL): with another
 * configured name nothing is known. */
uint32_t learnt_ehlo(unsigned refused, const char *configured);
unsigned learnt_ehlo_refused(uint32_t value, const char *configured);

/* Appends one sentence for the log, or nothing. */
void learnt_text(enum learnt_fact f, uint32_t value, struct buf *to);

/* learnt_save() appends one line for each fact before LEARNT_KEPT;
 * learnt_load() reads them.  Lines that make no sense or are about another host
 * are skipped. */
void learnt_save(const struct learnt *l, const char *host, struct buf *to);
void learnt_load(struct learnt *l, const char *host, struct bytes saved);
/* Takes from other every fact that is newer. */
void learnt_merge(struct learnt *l, const struct learnt *other);

#endif
