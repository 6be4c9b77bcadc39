/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body.h - what is kept in memory of what a message says. */
#ifndef QUEUE_BODY_H
#define QUEUE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct queue;
struct queue_draft;
struct queue_message;

/* Small messages kept in memory until their first attempt is over. */
enum { QUEUE_FRESH_MAX = 16 * 1024 * 1024 };

/* What is kept in memory of what the message says. */
struct message_body {
	/* The message is in one of these; all NULL: on the disk only. */
	char *bytes;
	struct store_draft *draft;
	struct store_message *loaded;
	size_t charged; /* against QUEUE_FRESH_MAX */
	bool is_fresh; /* its first attempt has not ended */
	/* Of a remote store: all of `loaded' is here; on the way, or here and not
	 * taken (beat.h). */
	bool is_here, is_ahead;
	int64_t fresh_ms; /* since then */
};

/* Messages kept in memory until their first attempt is over. */
struct fresh {
	size_t bytes, peak;
	int64_t look_ms;
};

void message_drop_content(struct queue_message *msg);
void message_drop_message(
    struct queue_message *msg); /* and keep the envelope */
/* Drops what was kept in vain, as its first attempt does not come; when to call
 * again, INT64_MAX: when there is something fresh. */
int64_t fresh_tick(struct queue *q);
void message_charge(struct queue_message *msg);
/* False: it cannot be read; the entry has been dealt with and may be gone. */
bool message_load(struct queue_message *msg, bool with_body);

/* Nothing of it has to be read from a store. */
bool message_is_here(const struct queue_message *msg);
/* What was fetched from a remote store; takes over m.  False: it is damaged. */
bool message_take_loaded(
    struct queue_message *msg, struct store_message *m) MUST_CHECK;

/* It could not be; frees the entry, or has it tried later. */
void message_cannot_load(
    struct queue_message *msg, enum store_result res, struct err *why);

/* That of the draft, which loses it. */
void message_take_content(struct queue_message *msg, struct queue_draft *d);
/* Its first attempt is over, or will not come soon. */
void message_is_stale(struct queue_message *msg);

/* Moves a file to corrupt/ and tells. */
void queue_set_aside(struct queue *q, enum store_place place, const char *id,
    const struct err *why);

#endif
