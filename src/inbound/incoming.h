/* SPDX-License-Identifier: GPL-3.0-or-later */
/* incoming.h - one message on its way in: through the intake
 * (rewrite/intake.h), into a draft of the queue.
 *
 * The same path for messages that came over SMTP and from the drop folder (R3).
 * A message that is refused on the way is read to its end and discarded; the
 * verdict says why.  Internal to inbound.
 */
#ifndef INBOUND_INCOMING_H
#define INBOUND_INCOMING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "inbound/inbound.h"
#include "inbound/pace.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "queue/queue.h"

struct loop;
struct person;
struct incoming;

/* Shared by all of inbound; owned by the inbound. */
struct inbound_shared {
	struct loop *loop;
	struct queue *queue;
	struct inbound_opts opts;
	struct pace pace;
	uint64_t accepted; /* messages */
};

/* env is complete but for id, time and size, which are filled in; it, by and
 * with ("ESMTP", "local") are borrowed until incoming_free(). */
struct incoming *incoming_new(struct inbound_shared *sh, struct envelope *env,
    const struct person *by, const char *with);
/* A message that was offered to the queue continues without this. */
void incoming_free(struct incoming *in);

/* Clean bytes of the message, CRLF line ends. */
void incoming_put(struct incoming *in, struct bytes body);
/* Refuses it for a reason the caller found; the first reason stays. */
void incoming_refuse(
    struct incoming *in, int code, const char *enhanced, const char *text);
/* The message is complete: offers it to the queue, which will tell.  False: it
 * is refused, told() is not called. */
bool incoming_offer(struct incoming *in, enum queue_mode mode,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx);
/* Class VERDICT_NONE while it is not refused. */
const struct verdict *incoming_refusal(const struct incoming *in);

/* One line each: who, from, to, size, Message-ID.  Acceptance is logged once,
 * before the first delivery: the call that answers the client may come too late
 * for that.  into: the message that this one was folded into, or "". */
void incoming_log_accepted(struct incoming *in, const char *into);
/* The client left before it was told. */
void incoming_log_unheard(const struct incoming *in);
void incoming_log_refused(const struct incoming *in, const struct verdict *v);

#endif
