/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notices.h - creates the notices about the fate of a message.
 *
 * bounce.h decides who is told.  A DSN goes into the queue as a message like
 * any other, from the null sender, for which the account's own address stands
 * in on the way out, because providers refuse it (R40).  Failures for the
 * administrator are gathered for a minute and then told in one mail, and at
 * most four mails an hour (R39); they raise the alert "mail-failed", too.  One
 * sender gets ten notices in an hour; all further ones come together in one
 * mail (notice_cap.h).
 *
 * A message is marked as reported only when its notice is safe, so a crash
 * repeats a notice rather than losing it.  A notice that itself failed stays in
 * failed/ and is reported by log and alert alone: the first at once, further
 * ones after a quarter of an hour.
 *
 * It hears of events as values, reads the original and submits the notice
 * through queue/queue.h, and asks the program around it for everything else.
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

/* A notice that went into the queue. */
struct notice_made {
	const char *id, *to;
	enum dsn_action action; /* a digest: of the first it is about */
	const char
	    *about; /* id of the message, the first of several; or NULL */
	size_t nabout;
};

struct notices_opts {
	struct queue *queue;
	const struct clock *clock;
	const struct rng *rng;
	/* Between a failure and its digest, and between two digests; 0: a
	 * minute, a quarter of an hour. */
	int64_t gather_ms, apart_ms;

	/* notices_tick() wants to be called.  Only note it. */
	void (*wake)(void *ctx);
	const char *(*hostname)(void *ctx); /* of this machine */
	const char *(*admin)(void *ctx); /* their address, or NULL */
	/* The sender is a name of this machine. */
	bool (*is_local)(void *ctx, const char *sender);
	/* Chooses the account that sends this notice, sets it in the envelope
	 * if the rules alone would choose another, and appends the address that
	 * stands in the notice's From.  about: what it tells of, or the first
	 * of several, or NULL. */
	void (*route)(void *ctx, struct envelope *notice,
	    const struct envelope *about, struct buf *ret_from);
	/* The language of the administrator, as struct page has it; NULL:
	 * English. */
	char *(*say)(const char *english);
	/* For the log. */
	void (*made)(void *ctx, const struct notice_made *m);
	void (*trouble)(void *ctx, const struct err *why);
	void (*alert)(void *ctx, const char *event, const char *reason);
	void *ctx;
};

struct notices *notices_new(const struct notices_opts *opts);
/* Before the queue is freed; notices that were not sent are sent after the next
 * start. */
void notices_free(struct notices *n);

/* Does what is due; returns when to call again (boot clock, INT64_MAX: only
 * after wake()). */
int64_t notices_tick(struct notices *n);

/* For queue_hooks: notes it, does the work later. */
void notices_failed(struct notices *n, const char *id);
void notices_delayed(struct notices *n, const char *id);
void notices_read(struct notices *n); /* hooks.original */
/* Its RCPT_SENT recipients have been handed on to a server without DSN.  At
 * once; a crash loses it, as it is only a courtesy. */
void notices_relayed(
    struct notices *n, const struct envelope *env, struct bytes header);

#endif
