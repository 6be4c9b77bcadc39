/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pickup.h - takes in what sendmail left in the drop folder while no daemon
 * answered.
 *
 * Every file takes the path of all messages (inbound/incoming.h); the owner of
 * the file is the submitter.  A file is removed only when its message is safe
 * in the queue.  The folder is read at the start, when a file arrives
 * (net/dirwatch.h), and every PICKUP_MS in case an arrival was missed, or every
 * PICKUP_BLIND_MS where folders cannot be watched.
 *
 * A user who fills the folder delays only their own messages: in one turn of
 * the loop one file is opened, or PICKUP_TURN_MS is spent on reading one.
 * Internal to inbound.
 */
#ifndef INBOUND_PICKUP_H
#define INBOUND_PICKUP_H

struct inbound_shared;
struct pickup;

enum {
	PICKUP_MS = 5 * 60 * 1000,
	PICKUP_BLIND_MS = 5000,
	PICKUP_AGAIN_MS = 5000, /* retry of files that could not be taken */
	/* sendmail needs some time from the first sign of a file to the
	 * last. */
	PICKUP_SETTLE_MS = 50,
	/* The time between two scans: PICKUP_PAUSES times as long as the last
	 * one took, within these bounds, so that a user who fills the folder
	 * does not make others wait. */
	PICKUP_PAUSE_MS = 200,
	PICKUP_PAUSE_MAX_MS = 2000,
	PICKUP_PAUSES = 10,
	PICKUP_TURN_MS = 5,
	PICKUP_AT_ONCE_MAX = 20,
	/* files of one user that wait for the user database */
	PICKUP_ASKING_MAX = 4
};

struct pickup *pickup_new(struct inbound_shared *sh);
void pickup_stop(struct pickup *p); /* takes no more files */
/* Files that are being taken in stay in the folder.  If the queue has their
 * messages already, they are sent twice rather than never. */
void pickup_free(struct pickup *p);

#endif
