/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notices.h - creates the notices about the fate of a message.
 *
 * queue/bounce.h decides who is told.  A DSN goes into the queue as a message
 * like any other, from the null sender, for which the account's own address
 * stands in on the way out, because providers refuse it (R40).  Failures for
 * the administrator are gathered for a minute and then told in one mail, and
 * at most four mails an hour (R39); they raise the alert "mail-failed", too.
 * One sender gets ten notices in an hour, and what is beyond that in one mail
 * (relaisd/notice_cap.h).
 *
 * A message is marked as reported only when its notice is safe, so a crash
 * repeats a notice rather than losing it.  A notice that itself failed stays in
 * failed/ and is reported by log and alert alone: the first at once, further
 * ones after a quarter of an hour.
 */
#ifndef RELAISD_NOTICES_H
#define RELAISD_NOTICES_H

#include <stdint.h>

#include "base/buf.h"

struct envelope;
struct loop;
struct notices;
struct queue;
struct rng;
struct routing;

struct notices_opts {
	struct loop *loop;
	struct queue *queue;
	const struct rng *rng;
	const struct routing *routing;
	void (*alert)(void *ctx, const char *event, const char *reason);
	void *ctx;
	/* Between a failure and its digest, and between two digests; 0: a
	 * minute, a quarter of an hour. */
	int64_t gather_ms, apart_ms;
};

struct notices *notices_new(const struct notices_opts *opts);
/* Before the queue; what was not told is told after the next start. */
void notices_free(struct notices *n);

/* For queue_hooks: notes it, does the work later. */
void notices_failed(struct notices *n, const char *id);
void notices_delayed(struct notices *n, const char *id);
/* Its RCPT_SENT recipients have been handed on to a server without DSN.  At
 * once; a crash loses it, as it is only a courtesy. */
void notices_relayed(
    struct notices *n, const struct envelope *env, struct bytes header);

#endif
