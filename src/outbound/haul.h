/* SPDX-License-Identifier: GPL-3.0-or-later */
/* haul.h - one message of the queue on one courier.
 *
 * Joins a delivery of the queue with the transactions of the client engine:
 * the account's identity is put on (fixup/outgoing.h),
 * waiting recipients are offered in groups (max_recipients, RFC 9422, one domain
 * at a time),
 * the body is read as the engine wants it, verdicts go back recipient by
 * recipient, and the outcome is logged.
 *
 * Owns the queue's delivery until haul_end().
 */
#ifndef OUTBOUND_HAUL_H
#define OUTBOUND_HAUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct haul;
struct pool;
struct queue_delivery;
struct smtp_client;
struct verdict;

/* The connection, for verdicts and the log; borrowed. */
struct haul_remote {
	const char *who; /* "smtp.example.org[192.0.2.1]:465" */
	const char *tls; /* "TLSv1.3", "" in clear */
	bool is_spent; /* its 421 ends the connection and means no more */
	/* Some body has more to give than when it was last asked. */
	void (*go_on)(void *ctx);
	void *ctx;
};

/* NULL: the message cannot be read or cannot go through this account; it has
 * been given back to the queue. */
struct haul *haul_new(struct pool *p, struct queue_delivery *qd,
    const struct smtp_client *smtp, const struct haul_remote *remote);
struct haul *haul_of_link(struct list *link);
struct list *haul_link(struct haul *h);
uint64_t haul_tag(const struct haul *h);

/* No transaction is under way, and recipients are left for another. */
bool haul_is_between(const struct haul *h);
/* Begins the next transaction; the engine must have room for it. */
void haul_send(struct haul *h, struct smtp_client *smtp);
/* After the engine asked for this message's body: gives it bytes until it
 * takes no more, or the disk must first know that the last ones are about to
 * go; true: some went. */
bool haul_feed(struct haul *h, struct smtp_client *smtp);
/* is_void: see struct sc_info. */
void haul_rcpt(
    struct haul *h, size_t rcpt, const struct verdict *v, bool is_void);
/* The transaction is over.  True: every recipient has been offered, or no more
 * may be on this connection; the message is done with this courier:
 * haul_end(). */
bool haul_job_done(struct haul *h, const struct verdict *v, bool is_void);
/* Gives the delivery back to the queue with what is known and frees h.  NULL:
 * the connection ended before its turn came. */
void haul_end(struct haul *h, const struct verdict *v);

#endif
