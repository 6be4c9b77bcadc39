/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history.h - what became of messages, one line for each outcome
 * (doc/formats/history).
 *
 * An entry reports the recipients of a message that had the same outcome at the
 * same time, so a message may have several entries.  The store keeps the lines
 * for a while (store.h, history_add) and need not know what they mean.
 *
 * Pure.  Any input gives an answer.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/verdict.h"

enum history_state {
	HISTORY_DELIVERED, /* the provider accepted it */
	/* permanently; the sender or the administrator is told */
	HISTORY_FAILED,
	HISTORY_REFUSED, /* while the client waited, which was told */
	HISTORY_DELETED, /* by a person */
	HISTORY_STATES
};

enum {
	HISTORY_RCPTS_MAX = 100, /* recipients named in one entry */
	HISTORY_SUBJECT_MAX = 200,
	HISTORY_LINE_MAX = 16 * 1024
};

/* Texts are never NULL; "" means not known. */
struct history_entry {
	enum history_state state;
	int64_t at_ms, arrived_s; /* wall clock */
	const char *id, *account, *user, *sender, *subject;
	const char **rcpts; /* the first of the recipients */
	size_t nnamed;
	size_t nrcpts; /* how many recipients the entry is about */
	uint32_t uid;
	int attempts;
	uint64_t size_bytes;
	struct verdict answer; /* the provider's answer; or VERDICT_NONE */
};

/* Appends the line.  If it is too long, recipients and then the subject are
 * left out.  False: the buffer is full, and nothing was appended. */
bool history_line(struct buf *to, const struct history_entry *e) MUST_CHECK;
/* Parses a line without its LF.  The caller frees the result.  NULL: not a
 * valid line. */
struct history_entry *history_parse(struct bytes line);
void history_entry_free(struct history_entry *e);

/* "delivered", "failed", "refused", "deleted" */
const char *history_state_name(enum history_state s);

/* The provider's own name for the message, which its support needs to find it:
 * "2.0.0 Ok: queued as 4Xyz12".  n is 0: none was found. */
struct bytes history_remote_id(const struct verdict *answer);

#endif
