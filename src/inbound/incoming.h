/* SPDX-License-Identifier: GPL-3.0-or-later */
/* incoming.h - one message on its way in: through the intake (rewrite/intake.h)
 * into a draft of the queue.
 *
 * Messages from SMTP and from the drop folder take the same path (R3).  A
 * message that is refused on the way is read to its end and discarded; the
 * verdict says why.  Internal to inbound.  A large draft is written to the page
 * cache; nothing else blocks.
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

/* Shared by all files of inbound; owned by the inbound. */
struct inbound_shared {
	struct loop *loop;
	struct queue *queue;
	struct inbound_opts opts;
	struct pace pace;
	uint64_t accepted; /* messages */
};

/* env is complete except for id, time and size, which are filled in.  env, by
 * and with ("ESMTP", "local") are borrowed until incoming_free(). */
struct incoming *incoming_new(struct inbound_shared *sh, struct envelope *env,
    const struct person *by, const char *with);
/* A message that was offered to the queue continues without it. */
void incoming_free(struct incoming *in);

/* The next bytes of the message, with CRLF line ends. */
void incoming_put(struct incoming *in, struct bytes body);
/* Refuses the message for a reason that the caller found.  The first reason
 * counts. */
void incoming_refuse(
    struct incoming *in, int code, const char *enhanced, const char *text);
/* The message is complete: offers it to the queue, which calls told() later.
 * False: the message is refused, and told() is not called. */
bool incoming_offer(struct incoming *in, enum queue_mode mode,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx);
/* Class VERDICT_NONE while it is not refused. */
const struct verdict *incoming_refusal(const struct incoming *in);

/* Each logs one line: who, from, to, size, Message-ID.  Acceptance is logged
 * once, before the first delivery, because the callback that answers the client
 * may come after it.  into: the message that this one was folded into, or
 * "". */
void incoming_log_accepted(struct incoming *in, const char *into);
/* The client disconnected before it was told. */
void incoming_log_unheard(const struct incoming *in);
void incoming_log_refused(const struct incoming *in, const struct verdict *v);

#endif
