/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault.h - where the throw-away provider misbehaves, and how often.
 *
 * A list of faults, each bound to a stage of the conversation; the first that
 * fits and is not used up is the one that happens.  Written on the command
 * line as
 *
 *	STAGE[/PATTERN]:CODE:ENHANCED:TEXT[:COUNT]	a reply that refuses
 *	STAGE[/PATTERN][:COUNT]				drop or hang
 *
 * where PATTERN ("*" matches any run) is held against the address at stage
 * mail and rcpt, and COUNT says how often (for ever if there is none).
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
	AT_END, /* drop: kept, but the answer is lost */
	AT_COUNT
};

enum fault_kind { FAULT_FAIL, FAULT_DROP, FAULT_HANG };

struct fault {
	enum stage stage;
	enum fault_kind kind;
	int code;
	char enhanced[16];
	char text[512];
	char pattern[256]; /* "": any address */
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
/* Is there one for this stage?  Counts nothing down. */
bool fault_waits(const struct faults *f, enum stage stage);

#endif
