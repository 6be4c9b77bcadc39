/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_limit.h - limits equal log lines, so that nobody can fill the log.
 *
 * Lines are equal if their kinds (base/log.h) differ only in digits: the port
 * of a client, a time, a process.  In one second LOG_LIMIT_LINES lines of a
 * kind pass; then one line says how many more there were.  At most
 * LOG_LIMIT_KINDS kinds are counted at a time; a new kind replaces the one not
 * seen for the longest time.
 *
 * It has no clock and no output of its own.
 */
#ifndef SYS_LOG_LIMIT_H
#define SYS_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

enum { LOG_LIMIT_LINES = 20, LOG_LIMIT_MS = 1000, LOG_LIMIT_KINDS = 32 };

struct log_limit { /* all zeroes at first */
	uint64_t uses;
	/* Apart from the rest: every line looks through all of them. */
	uint64_t
	    hashes[LOG_LIMIT_KINDS]; /* of kinds without digits; 0: unused */
	uint64_t ranks[LOG_LIMIT_KINDS]; /* the lowest is replaced first */
	struct log_limit_kind {
		int64_t since_ms;
		uint64_t lines; /* since then */
		enum log_level level;
		char line[160]; /* the first that was withheld */
	} kinds[LOG_LIMIT_KINDS];
};

/* False: this line must not be written; it is counted. */
bool log_limit_pass(struct log_limit *l, int64_t now_ms, enum log_level level,
    const char *line, const char *kind);

/* Writes a line for each kind whose second is over and of which lines were
 * withheld.  Returns when to call again; INT64_MAX: no line was withheld. */
int64_t log_limit_tell(struct log_limit *l, int64_t now_ms,
    void (*write)(void *ctx, enum log_level level, const char *line),
    void *ctx);

#endif
