/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body.h - the content of a message: in memory, or read from the store.
 *
 * message_load() blocks while the store reads; a message of a remote store is
 * brought to this machine first (beat.h). */
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

struct message_body {
	/* The content is in one of these; all NULL: in the store only. */
	char *bytes;
	struct store_draft *draft;
	struct store_message *loaded;
	size_t charged; /* against QUEUE_FRESH_MAX */
	bool is_fresh; /* its first attempt has not ended */
	/* A remote store (beat.h): all of `loaded' is on this machine; it has
	 * been asked for and no delivery has taken it. */
	bool is_here, is_ahead;
	int64_t fresh_ms; /* since when is_fresh is set (boot clock) */
};

/* Messages kept in memory until their first attempt is over. */
struct fresh {
	size_t bytes, peak;
	int64_t look_ms;
};

/* Frees the content and the envelope; the store has both. */
void message_drop_content(struct queue_message *msg);
/* Frees the content and keeps the envelope. */
void message_drop_message(struct queue_message *msg);
/* Drops content whose message was not tried in time.  Returns when to call it
 * again (boot clock); INT64_MAX: when there is a new message. */
int64_t fresh_tick(struct queue *q);
/* The content counts against QUEUE_FRESH_MAX from now on. */
void message_charge(struct queue_message *msg);
/* Brings the envelope, and with_body the content, into memory.  False: they
 * cannot be read; the entry has been set aside or put off, and may be freed. */
bool message_load(struct queue_message *msg, bool with_body);

/* Envelope and content are on this machine: message_load() asks no store. */
bool message_is_here(const struct queue_message *msg);
/* m was fetched from a remote store; takes m over.  False: it is damaged. */
bool message_take_loaded(
    struct queue_message *msg, struct store_message *m) MUST_CHECK;

/* The message could not be read, for this reason: sets it aside and frees the
 * entry, or tries it later. */
void message_cannot_load(
    struct queue_message *msg, enum store_result res, struct err *why);

/* Moves the content from the draft to the message. */
void message_take_content(struct queue_message *msg, struct queue_draft *d);
/* The first attempt is over or will not come soon: memory is freed. */
void message_is_stale(struct queue_message *msg);

/* Moves a damaged message to corrupt/ and reports it. */
void queue_set_aside(struct queue *q, enum store_place place, const char *id,
    const struct err *why);

#endif
