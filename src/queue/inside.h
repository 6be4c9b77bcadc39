/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inside.h - the queue, as the files behind queue.h know it.
 *
 *  entry     a message in memory; schedule and count keep entries
 *  message   what an entry has while something happens to it: body, disk,
 *            client, head_start, fold (gate), attempt (claim), news
 *  job       a blocking piece of work on another thread
 *  remote_store  a store that is shared with other relays; their requests:
 *            remote_requests
 *
 * Everything belongs to the loop's thread, except what job.h says.
 */
#ifndef QUEUE_INSIDE_H
#define QUEUE_INSIDE_H

#include "queue/count.h"
#include "queue/drops.h"
#include "queue/entry.h"
#include "queue/failed.h"
#include "queue/job.h"
#include "queue/message.h"
#include "queue/original.h"
#include "queue/queue.h"
#include "queue/remote_requests.h"
#include "queue/remote_store.h"
#include "queue/removal.h"
#include "queue/retry.h"
#include "queue/scan.h"
#include "queue/schedule.h"

enum {
	/* The most that one queue_tick() scans before it returns. */
	QUEUE_SLICE_MS = 5,
	QUEUE_SLICE_FILES = 500,
	QUEUE_UNREADABLE_MS = 5 * 60 * 1000,
	QUEUE_AWAY_MS = 5 * 1000 /* wait after a remote store failed */
};

struct queue_draft {
	struct queue *q;
	char id[QID_SIZE];
	struct entry *e; /* NULL once the message is complete */
	struct queue_message *msg; /* NULL once the client has been told */
	struct buf bytes; /* content, while it is at most QUEUE_MEMORY_MAX */
	struct store_draft *spill; /* content, once it is larger */
	/* a write has failed; the draft cannot become a message */
	bool has_failed;
};

struct bad_disk {
	unsigned failures; /* messages in a row that the disk did not keep */
	int64_t failed_ms;
	/* when it was last reported that nothing is accepted; 0: never */
	int64_t told_ms;
};

struct queue {
	struct queue_opts o;
	struct retry retry;
	struct store *store;
	/* naccounts of them, and one for no account */
	struct account_schedule *accounts;
	int naccounts;
	struct entries entries;
	struct tallies tallies;
	struct list messages;
	struct list clients; /* messages whose client waits for an answer */
	struct jobs jobs;
	bool is_closing;
	bool is_ticking; /* within queue_tick() */
	bool is_todo; /* a client is to be told at the next queue_tick() */
	struct scan scan;
	struct remote_store remote;
	struct remote_requests requests;
	struct original original;
	struct removals removals;
	struct drops drops;
	struct head_starts head_starts;
	struct fresh fresh;
	struct bad_disk bad_disk;
	int64_t sweep_ms;
	int64_t clean_ms;
};

/* The boot clock, and the wall clock of the store, in ms. */
int64_t queue_now(const struct queue *q);
int64_t queue_wall(const struct queue *q);
static inline int64_t
earlier_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
/* A message could not be written or synced: counts the failure. */
void queue_disk_failed(struct queue *q);
#endif
