/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pickup.h - takes in what sendmail left in the drop folder while no daemon
 * answered.
 *
 * Every file takes the path of all messages (inbound/incoming.h), its owner is
 * the submitter, and it is removed only when the queue has called it safe.
 * Looks at the start, when something comes (net/dirwatch.h), and every
 * PICKUP_MS in case that was missed, or every PICKUP_BLIND_MS where folders
 * cannot be watched.
 *
 * A user who fills the folder delays only his own messages: one file is opened,
 * or PICKUP_TURN_MS spent on reading one, in a turn of the loop.  Internal to
 * inbound.
 */
#ifndef INBOUND_PICKUP_H
#define INBOUND_PICKUP_H

struct inbound_shared;
struct pickup;

enum {
	PICKUP_MS = 5 * 60 * 1000,
	PICKUP_BLIND_MS = 5000,
	PICKUP_AGAIN_MS = 5000, /* what could not be taken */
	/* sendmail needs some time from the first sign of a file to the
	 * last. */
	PICKUP_SETTLE_MS = 50,
	/* Between two looks; ten times as long as the last one took, within
	 * bounds: who fills the folder must not make the others wait. */
	PICKUP_PAUSE_MS = 200,
	PICKUP_PAUSE_MAX_MS = 2000,
	PICKUP_PAUSES = 10,
	PICKUP_TURN_MS = 5,
	PICKUP_AT_ONCE_MAX = 20,
	PICKUP_ASKING_MAX = 4 /* of one user, for the user database */
};

struct pickup *pickup_new(struct inbound_shared *sh);
void pickup_stop(struct pickup *p); /* takes no more */
/* Files that are being taken in stay where they are; if the queue has them as
 * well, they are sent twice rather than never. */
void pickup_free(struct pickup *p);

#endif
