/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notices.h - creates the notices about the fate of messages.
 *
 * bounce.h decides who is told.  A DSN goes into the queue like any other
 * message, from the null sender; where the provider refuses that sender, the
 * account's own address takes its place on the way out (R40).  Failures for the
 * administrator are gathered for a minute and reported in one digest, at most
 * four digests an hour (R39); they also raise the alert "mail-failed".  One
 * sender gets ten notices in an hour; everything beyond that is reported in one
 * digest (notice_cap.h).
 *
 * A message is marked as reported only when its notice is safe, so a crash
 * repeats a notice rather than losing it.  A notice that itself failed stays in
 * failed/ and is reported by log and alert only: the first at once, further
 * ones after a quarter of an hour.
 *
 * Events arrive as values.  The original is read, and the notice submitted,
 * through queue/queue.h; everything else is asked of the hooks below.
 */
#ifndef NOTICE_NOTICES_H
#define NOTICE_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "notice/dsn.h"

struct clock;
struct err;
struct notices;
struct queue;

/* A notice that was put into the queue. */
struct notice_made {
	const char *id, *to;
	enum dsn_action action; /* of the first message, if it is a digest */
	const char
	    *about; /* id of the message, or of the first of several; or NULL */
	size_t nabout;
};

struct notices_opts {
	struct queue *queue;
	const struct clock *clock;
	const struct rng *rng;
	/* The time between a failure and its digest, and between two digests;
	 * 0: a minute, a quarter of an hour. */
	int64_t gather_ms, apart_ms;

	/* notices_tick() wants to be called.  Must only take note. */
	void (*wake)(void *ctx);
	const char *(*hostname)(void *ctx); /* of this machine */
	/* the administrator's address, or NULL */
	const char *(*admin)(void *ctx);
	/* True: sender is a name of this machine. */
	bool (*is_local)(void *ctx, const char *sender);
	/* Chooses the account that sends this notice, stores it in the envelope
	 * if routing alone would choose another, and appends the address for
	 * the From of the notice.  about: the message it is about, or the first
	 * of several, or NULL. */
	void (*route)(void *ctx, struct envelope *notice,
	    const struct envelope *about, struct buf *ret_from);
	/* Translates for the administrator, as in struct page; NULL:
	 * English. */
	char *(*say)(const char *english);
	/* For the log. */
	void (*made)(void *ctx, const struct notice_made *m);
	void (*trouble)(void *ctx, const struct err *why);
	void (*alert)(void *ctx, const char *event, const char *reason);
	void *ctx;
};

struct notices *notices_new(const struct notices_opts *opts);
/* Before the queue is freed.  Notices that were not sent are sent after the
 * next start. */
void notices_free(struct notices *n);

/* Does what is due.  Returns when to call again (boot clock); INT64_MAX: after
 * the next wake(). */
int64_t notices_tick(struct notices *n);

/* For queue_hooks: take note; notices_tick() does the work. */
void notices_failed(struct notices *n, const char *id);
void notices_delayed(struct notices *n, const char *id);
void notices_read(struct notices *n); /* hooks.original */
/* Recipients that are RCPT_SENT were passed to a server without DSN.  The
 * notice is made at once, and lost in a crash: it is a courtesy. */
void notices_relayed(
    struct notices *n, const struct envelope *env, struct bytes header);

#endif
