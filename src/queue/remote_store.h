/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_store.h - what the queue does only with a remote store (store.h,
 * is_remote).
 *
 * A heartbeat tells the other relays that this one lives, and takes over
 * messages that nobody owns.  The content of a message is fetched to this
 * machine before the message is taken for a delivery, and a few messages are
 * fetched ahead.
 *
 * Nothing blocks: a job on a worker thread asks the store.  With a local store
 * these functions do nothing.
 */
#ifndef QUEUE_REMOTE_STORE_H
#define QUEUE_REMOTE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;
struct queue_message;

struct remote_store {
	/* A heartbeat job runs. */
	bool is_running;
	bool is_away; /* the last heartbeat could not reach the store */
	int64_t at_ms; /* when the next heartbeat is due, boot clock */
	int64_t wall_ahead_ms; /* how far the store's clock is ahead of ours */
	size_t ahead; /* messages being fetched, or fetched and not taken */
};

/* Begins a heartbeat if one is due.  Returns when to call again (boot clock);
 * INT64_MAX: not before another event. */
int64_t remote_store_tick(struct queue *q);

enum remote_store_fetch {
	/* the content is on this machine, or the store is local */
	REMOTE_STORE_HERE,
	/* it is being fetched; the account is woken when it has arrived */
	REMOTE_STORE_COMES,
	/* the store does not answer; the entry waits for a later time */
	REMOTE_STORE_LATER
};
/* To be called before a due message is taken; its entry must be in no heap.
 * Begins to fetch the content if necessary. */
enum remote_store_fetch remote_store_fetch(struct queue_message *msg);
/* True: enough messages are fetched ahead; accounts are woken when another one
 * may be. */
bool remote_store_is_full(const struct queue *q);
/* The fetched content has been taken, or is not needed any more. */
void remote_store_used(struct queue_message *msg);

#endif
