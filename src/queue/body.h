/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body.h - the content of a message: in memory, or read from the store.
 *
 * message_load() blocks while a local store reads; from a remote store a
 * message is brought to this machine first (remote_store.h).  Everything else
 * does not block.
 */
#ifndef QUEUE_BODY_H
#define QUEUE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct queue;
struct queue_draft;
struct queue_message;

enum { QUEUE_FRESH_MAX = 16 * 1024 * 1024 };

struct message_body {
	/* The content is in one of these, which are owned.  All NULL: only the
	 * store has it. */
	char *bytes;
	struct store_draft *draft;
	struct store_message *loaded;
	size_t charged; /* bytes counted against QUEUE_FRESH_MAX */
	bool is_fresh; /* kept in memory for the first attempt */
	/* A remote store (remote_store.h): is_here, all of `loaded' is on this
	 * machine; is_ahead, it was fetched and no delivery has taken it. */
	bool is_here, is_ahead;
	int64_t fresh_ms; /* boot clock; when is_fresh was set */
};

/* The memory of messages that wait for their first attempt; at most
 * QUEUE_FRESH_MAX bytes. */
struct fresh {
	size_t bytes, peak;
	int64_t look_ms;
};

/* Frees content and envelope.  Only if the store has both. */
void message_drop_content(struct queue_message *msg);
/* Frees the content; the envelope stays. */
void message_drop_message(struct queue_message *msg);
/* Frees the content of messages that were not tried in time.  Returns when to
 * call again (boot clock); INT64_MAX: when there is a new message. */
int64_t fresh_tick(struct queue *q);
/* Keeps the content in memory for the next attempt, and counts it against
 * QUEUE_FRESH_MAX. */
void message_set_fresh(struct queue_message *msg);
/* Reads the envelope, and with_body the content, unless they are in memory.
 * False: they cannot be read; the entry has been set aside or put off, and may
 * be freed. */
bool message_load(struct queue_message *msg, bool with_body);

/* True: envelope and content are on this machine, so message_load() asks no
 * remote store. */
bool message_is_here(const struct queue_message *msg);
/* m was fetched from a remote store.  Takes over m.  False: its checksum is
 * wrong. */
bool message_take_loaded(
    struct queue_message *msg, struct store_message *m) MUST_CHECK;

/* The message could not be read: sets it aside and frees the entry, or puts it
 * off, depending on res. */
void message_cannot_load(
    struct queue_message *msg, enum store_result res, struct err *why);

/* Moves the content from d to msg. */
void message_take_content(struct queue_message *msg, struct queue_draft *d);
/* The first attempt is over or will not come soon: frees the memory. */
void message_set_stale(struct queue_message *msg);

/* Has a worker thread move a damaged message to corrupt/, and then reports it
 * through queue_trouble().  Copies id and *why.  queue_sets_aside(): it has not
 * been moved yet. */
void queue_set_aside(struct queue *q, enum store_place place, const char *id,
    const struct err *why);
bool queue_sets_aside(struct queue *q, const char *id);

#endif
