/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pickup.h - takes in what sendmail left in the drop folder while no daemon
 * answered.
 *
 * Every file goes the road of all mail (inbound/reception.h), its owner is the
 * submitter, and it is removed only when the queue has called it safe.  Looks
 * at the start and then every PICKUP_MS.  Internal to inbound.
 */
#ifndef INBOUND_PICKUP_H
#define INBOUND_PICKUP_H

struct inbound_shared;
struct pickup;

enum { PICKUP_MS = 5000, PICKUP_AT_ONCE_MAX = 20 };

struct pickup *pickup_new(struct inbound_shared *sh);
void pickup_stop(struct pickup *p); /* takes no more */
/* Files being taken in stay where they are; the queue may have them too, then
 * they come twice rather than never. */
void pickup_free(struct pickup *p);

#endif
