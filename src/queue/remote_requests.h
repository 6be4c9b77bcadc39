/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_requests.h - carries out what other relays ask to be done with
 * messages of ours (hold, release, retry, delete).
 *
 * Only the owner of a message changes it.  After each heartbeat, and after the
 * scan of what that heartbeat took over, a job fetches some requests; they are
 * carried out on the loop, and the next job, which follows at once, writes the
 * answers.  A message that the queue does not know may have been taken over a
 * moment ago, so "no such message" is answered only after another scan.
 *
 * Nothing blocks.
 */
#ifndef QUEUE_REMOTE_REQUESTS_H
#define QUEUE_REMOTE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct queue;

enum { REMOTE_REQUESTS_MAX = 20 }; /* requests of one job */

struct remote_requests {
	bool is_running; /* a job runs, and its thread owns what follows */
	struct store_request v[REMOTE_REQUESTS_MAX];
	/* Requests whose answers are not written yet.  STORE_ANSWER_TAKEN: the
	 * queue did not know the message. */
	size_t n;
};

/* A scan is over: begins a job unless one runs.  Does nothing with a store that
 * is not shared. */
void remote_requests_look(struct queue *q);
#endif
