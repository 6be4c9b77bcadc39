/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault.h - where the throw-away provider misbehaves, and how often.
 *
 * A list of faults, each bound to a stage of the conversation; the first that
 * fits and is not used up is the one that happens.  Written on the command
 * line as
 *
 *	STAGE[/PATTERN]:CODE:ENHANCED:TEXT[:COUNT]	a reply that refuses
 *	STAGE[/PATTERN][:COUNT]				drop or hang
 *	STAGE[/PATTERN]:BYTES[:COUNT]			say or cut
 *	STAGE[/PATTERN]:CODE:LINES[:COUNT]		flood
 *
 * where STAGE{N} means from the Nth recipient of a transaction, or message of a
 * connection, on (those that were refused do not count), BYTES may hold \r, \n
 * and \xNN, PATTERN ("*" matches any run) is held against the name at stage
 * ehlo, the mechanism at auth ("PLAIN", "PLAIN +" with an initial response),
 * the recipient at rcpt and the sender from mail on ("<>" is the null sender),
 * and COUNT says how often (for ever if there is none).
 */
#ifndef TESTS_LIB_FAULT_H
#define TESTS_LIB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

enum stage {
	AT_GREETING,
	AT_EHLO,
	AT_STARTTLS,
	AT_AUTH,
	AT_MAIL,
	AT_RCPT,
	AT_DATA, /* a refusal in place of 354 */
	AT_BODY, /* drop or hang in the middle of the message */
	AT_END, /* drop, hang: kept, but the answer is lost */
	AT_COUNT
};

enum fault_kind {
	FAULT_FAIL,
	FAULT_DROP, /* hangs up */
	FAULT_HANG, /* says nothing any more */
	FAULT_SAY, /* these bytes in place of the answer, and nothing more */
	FAULT_CUT, /* these bytes, and hangs up */
	FAULT_FLOOD /* so many lines of one reply, and nothing more */
};

struct fault {
	enum stage stage;
	enum fault_kind kind;
	int code;
	char enhanced[16];
	char text[512];
	size_t text_len; /* FAULT_SAY, FAULT_CUT: may hold any byte */
	size_t lines; /* FAULT_FLOOD */
	char pattern[256]; /* "": any address */
	size_t from; /* 0: from the first on */
	long left; /* < 0: for ever */
};

enum { FAULTS_MAX = 32 };
struct faults {
	struct fault v[FAULTS_MAX];
	size_t n;
};

/* False: not understood, or too many. */
bool fault_add(
    struct faults *f, enum fault_kind kind, const char *spec) MUST_CHECK;
/* The fault that happens now, counted down, or NULL.  addr may be NULL.
 * Borrowed. */
const struct fault *fault_hit(
    struct faults *f, enum stage stage, const char *addr);
/* The nth, from 1, at stages that come again and again. */
const struct fault *fault_hit_nth(
    struct faults *f, enum stage stage, const char *addr, size_t nth);
/* Is there one for this stage?  Counts nothing down. */
bool fault_waits(const struct faults *f, enum stage stage);

#endif
