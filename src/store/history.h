/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history.h - what became of messages, a line each (doc/formats/history).
 *
 * An entry says what has become of those recipients of a message that had the
 * same outcome at the same time; a message may have several.  The store keeps
 * the lines (store.h, history_add) for a while and need not know what they
 * mean.
 *
 * Pure.  Any bytes give an answer.
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
	HISTORY_DELIVERED, /* the provider has it */
	HISTORY_FAILED, /* for good; the sender or the admin is told */
	HISTORY_REFUSED, /* while its client waited, who heard it */
	HISTORY_DELETED, /* by a person */
	HISTORY_STATES
};

enum {
	HISTORY_RCPTS_MAX = 100, /* that are named */
	HISTORY_SUBJECT_MAX = 200,
	HISTORY_LINE_MAX = 16 * 1024
};

/* Texts are never NULL; "" says nothing. */
struct history_entry {
	enum history_state state;
	int64_t at_ms, arrived_s; /* wall clock */
	const char *id, *account, *user, *sender, *subject;
	const char **rcpts; /* the first of them, */
	size_t nnamed;
	size_t nrcpts; /* and how many there are */
	uint32_t uid;
	int attempts;
	uint64_t size_bytes;
	struct verdict answer; /* of the provider; or VERDICT_NONE */
};

/* Adds the line; what makes it too long is left out: recipients, then the
 * subject.  False: the buffer is full, and nothing was added. */
bool history_line(struct buf *to, const struct history_entry *e) MUST_CHECK;
/* A line without its LF; the caller frees it.  NULL: it is not a valid line. */
struct history_entry *history_parse(struct bytes line);
void history_entry_free(struct history_entry *e);

/* "delivered", "failed", "refused", "deleted" */
const char *history_state_name(enum history_state s);

/* The name that the provider gave to the message when it took it, by which its
 * support finds it: "2.0.0 Ok: queued as 4Xyz12".  n is 0: none was found. */
struct bytes history_remote_id(const struct verdict *answer);

#endif
