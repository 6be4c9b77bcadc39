/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sharing.h - takes the turns of the accounts at what several relays share.
 *
 * One job at a time on a worker thread.  It checks, once in SHARING_LOOK_MS,
 * which accounts other relays have changed, and takes a turn (account/share.h)
 * for those and for each account that has something to say.
 */
#ifndef RELAISD_SHARING_H
#define RELAISD_SHARING_H

struct accounts;
struct loop;
struct queue;
struct sharing;

enum { SHARING_LOOK_MS = 1000 };

struct sharing *sharing_new(struct loop *l, struct queue *q);
/* Begins.  account_hooks.share of all these accounts must be sharing_due(). */
void sharing_start(struct sharing *s, struct accounts *accounts);
void sharing_due(void *sharing);
/* Takes the last turns, which give everything back.  What a running job still
 * reserves counts as sent.  After accounts_stop(), before queue_free().
 * Blocks. */
void sharing_stop(struct sharing *s);
void sharing_free(struct sharing *s); /* after queue_free() */

#endif
