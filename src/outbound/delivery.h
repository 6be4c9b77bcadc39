/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delivery.h - one message of the queue on one courier.
 *
 * Connects a claim of the queue with transactions of the client engine: puts
 * the account's identity on the message (rewrite/outgoing.h), offers waiting
 * recipients in groups (max_recipients, RFC 9422, one domain at a time), reads
 * the body as the engine wants it, returns verdicts recipient by recipient, and
 * logs the outcome.
 *
 * Owns the claim until delivery_end().  Reading a message that is not in memory
 * blocks on the disk.
 */
#ifndef OUTBOUND_DELIVERY_H
#define OUTBOUND_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "rewrite/content.h"

struct answer;
struct delivery;
struct pool;
struct queue_claim;
struct smtp_client;
struct verdict;

/* The connection, as deliveries see it; borrowed.  The courier alone writes
 * it. */
struct delivery_remote {
	const char *who; /* "smtp.example.org[192.0.2.1]:465" */
	const char *tls; /* "TLSv1.3", "" in clear */
	bool is_spent; /* a 421 means only that the connection ends */
	/* More body data is available. */
	void (*go_on)(void *ctx);
	void *ctx;
};

/* The message of a claim as a source of content.h; borrows the claim. */
struct content_source delivery_source(struct queue_claim *qd);

/* NULL: the message cannot be read, or cannot be sent through this account; it
 * has been given back to the queue. */
struct delivery *delivery_new(struct pool *p, struct queue_claim *qd,
    const struct smtp_client *smtp, const struct delivery_remote *remote);
struct delivery *delivery_of_link(struct list *link);
struct list *delivery_link(struct delivery *d);
uint64_t delivery_tag(const struct delivery *d);

/* True: the message may be, or is known to be, what breaks or silences
 * connections (pool_suspects(), pool_is_known_cause()). */
bool delivery_is_suspect(const struct delivery *d);
bool delivery_is_cause(const struct delivery *d);
/* The answer has been missing for so long that the connection is stalled. */
void delivery_stalls(struct delivery *d);
/* True: a transaction of this delivery was answered, and others follow. */
bool delivery_was_answered(const struct delivery *d);
/* True: no transaction is in progress, and recipients are left for another. */
bool delivery_is_between(const struct delivery *d);
/* Begins the next transaction; the engine must have room for it. */
void delivery_send(struct delivery *d, struct smtp_client *smtp);
/* Gives the engine bytes of the body that it asked for, until it takes no more
 * or the disk must first know that the last ones are about to go.  True: the
 * engine took some. */
bool delivery_feed(struct delivery *d, struct smtp_client *smtp);
/* The answer to one recipient of the transaction; is_void as in struct
 * sc_info. */
void delivery_rcpt(
    struct delivery *d, size_t rcpt, const struct answer *a, bool is_void);
/* The transaction is over.  True: every recipient was offered, or no more may
 * be offered on this connection; call delivery_end() next. */
bool delivery_job_done(
    struct delivery *d, const struct answer *a, bool is_void);
/* Whether the message broke the connection that answered it; see
 * pool_suspects(). */
enum delivery_blame {
	DELIVERY_UNINVOLVED, /* it did not break while this was answered */
	DELIVERY_SUSPECTED,
	DELIVERY_CAUSE /* pool_is_known_cause() */
};
/* Gives the claim back to the queue with all verdicts, and frees d.  v NULL:
 * this connection carries no more of it, and recipients that were not asked are
 * due at once. */
enum delivery_blame delivery_end(struct delivery *d, const struct verdict *v);

#endif
