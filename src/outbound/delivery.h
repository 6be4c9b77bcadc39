/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delivery.h - one message of the queue on one courier.
 *
 * Joins a claim of the queue with the transactions of the client engine: the
 * account's identity is put on (rewrite/outgoing.h), waiting recipients are
 * offered in groups (max_recipients, RFC 9422, one domain at a time), the body
 * is read as the engine wants it, verdicts go back recipient by recipient, and
 * the outcome is logged.
 *
 * Owns the claim until delivery_end().
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

/* The connection, for verdicts and the log; borrowed. */
struct delivery_remote {
	const char *who; /* "smtp.example.org[192.0.2.1]:465" */
	const char *tls; /* "TLSv1.3", "" in clear */
	bool is_spent; /* its 421 means only the end of the connection */
	bool is_explained; /* it broke over a message that is known for that */
	/* More body data is available. */
	void (*go_on)(void *ctx);
	void *ctx;
};

/* The message of a claim; borrows it. */
struct content_source delivery_source(struct queue_claim *qd);

/* NULL: the message cannot be read or cannot go through this account; it has
 * been given back to the queue. */
struct delivery *delivery_new(struct pool *p, struct queue_claim *qd,
    const struct smtp_client *smtp, struct delivery_remote *remote);
struct delivery *delivery_of_link(struct list *link);
struct list *delivery_link(struct delivery *d);
uint64_t delivery_tag(const struct delivery *d);

/* It may be, or is known to be, what breaks or silences connections
 * (pool_suspects(), pool_knows()). */
bool delivery_is_suspect(const struct delivery *d);
bool delivery_is_cause(const struct delivery *d);
/* Its answer is missing for so long that the connection is stalled. */
void delivery_stalls(struct delivery *d);
/* A transaction of it was accepted. */
bool delivery_has_sent(const struct delivery *d);
/* No transaction is under way, and recipients are left for another. */
bool delivery_is_between(const struct delivery *d);
/* Begins the next transaction; the engine must have room for it. */
void delivery_send(struct delivery *d, struct smtp_client *smtp);
/* After the engine asked for this message's body: gives it bytes until it
 * takes no more, or the disk must first know that the last ones are about to
 * go; true: some went. */
bool delivery_feed(struct delivery *d, struct smtp_client *smtp);
/* is_void: see struct sc_info. */
void delivery_rcpt(
    struct delivery *d, size_t rcpt, const struct answer *a, bool is_void);
/* The transaction is over.  True: every recipient has been offered, or no more
 * may be on this connection; the message is done with this courier:
 * delivery_end(). */
bool delivery_job_done(
    struct delivery *d, const struct answer *a, bool is_void);
/* Gives the delivery back to the queue with what is known and frees d.  NULL:
 * the connection ended before this message was tried. */
void delivery_end(struct delivery *d, const struct verdict *v);

#endif
