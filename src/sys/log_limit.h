/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_limit.h - limits equal log lines, so that nobody can fill the log.
 *
 * Lines are equal if they differ only in digits: the port of a client, a time,
 * a process; and those about mail that was refused if they tell of the same
 * user and reason.  In one second LOG_LIMIT_LINES of a kind pass; then one line
 * says how many more there were.  At most LOG_LIMIT_KINDS kinds are counted at
 * a time; a new kind replaces the one not seen for the longest time.
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
	uint64_t hashes
	    [LOG_LIMIT_KINDS]; /* of a line without its digits; 0: unused */
	uint64_t ranks[LOG_LIMIT_KINDS]; /* the lowest is replaced first */
	struct log_limit_kind {
		int64_t since_ms;
		uint64_t lines; /* since then */
		enum log_level level;
		char line[160]; /* the first that was withheld */
	} kinds[LOG_LIMIT_KINDS];
};

/* False: this line is not to be written, only counted. */
bool log_limit_pass(struct log_limit *l, int64_t now_ms, enum log_level level,
    const char *line);

/* Writes a line for each kind whose second is over and of which lines were
 * withheld.  Returns when the next one is due; INT64_MAX: none. */
int64_t log_limit_tell(struct log_limit *l, int64_t now_ms,
    void (*write)(void *ctx, enum log_level level, const char *line),
    void *ctx);

#endif
