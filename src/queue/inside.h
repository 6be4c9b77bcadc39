/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inside.h - the queue, as the files behind queue.h know it.
 *
 *   entry     a message in memory; schedule and count keep them
 *   message   what an entry has while something happens to it: body, disk,
 *             client, race, join (gate), attempt (claim), news
 *   job       a blocking piece of work on another thread
 *   beat      we share the store with other relays; asked: what they want
 *
 * All of it belongs to the loop's thread.
 */
#ifndef QUEUE_INSIDE_H
#define QUEUE_INSIDE_H

#include "queue/asked.h"
#include "queue/beat.h"
#include "queue/count.h"
#include "queue/drops.h"
#include "queue/entry.h"
#include "queue/failed.h"
#include "queue/job.h"
#include "queue/message.h"
#include "queue/original.h"
#include "queue/queue.h"
#include "queue/removal.h"
#include "queue/retry.h"
#include "queue/scan.h"
#include "queue/schedule.h"

enum {
	/* How much of the disk queue_tick() looks at before it returns. */
	QUEUE_SLICE_MS = 5,
	QUEUE_SLICE_FILES = 500,
	QUEUE_UNREADABLE_MS = 5 * 60 * 1000,
	QUEUE_AWAY_MS = 5 * 1000 /* a remote store */
};

struct queue_draft {
	struct queue *q;
	char id[QID_SIZE];
	struct entry *e; /* NULL once the message is complete */
	struct queue_message *msg; /* NULL once the client has been told */
	struct buf bytes; /* as long as the message is small */
	struct store_draft *spill; /* then */
	bool has_failed; /* to be written */
};

struct bad_disk {
	unsigned failures; /* messages that it did not keep, in a row */
	int64_t failed_ms;
	int64_t told_ms; /* that nothing is accepted; 0: never */
};

struct queue {
	struct queue_opts o;
	struct retry retry;
	struct store *store;
	struct account_schedule *accounts; /* naccounts, and one for nobody */
	int naccounts;
	struct entries entries;
	struct tallies tallies;
	struct list messages;
	struct list clients; /* messages whose client is not told yet */
	struct jobs jobs;
	bool is_closing;
	bool is_ticking; /* within queue_tick() */
	bool is_todo; /* a client can be told, but not just now */
	struct scan scan;
	struct beat beat;
	struct asked asked;
	struct original original;
	struct removals removals;
	struct drops drops;
	struct races race;
	struct fresh fresh;
	struct bad_disk bad_disk;
	int64_t sweep_ms;
	int64_t clean_ms;
};

int64_t queue_now(const struct queue *q);
int64_t queue_wall(const struct queue *q);
static inline int64_t
earlier_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
/* A message could not be written or synced (message_disk.c). */
void queue_disk_failed(struct queue *q);
#endif
