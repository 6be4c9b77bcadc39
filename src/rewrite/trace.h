/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace.h - adds our Received field and detects loops (R42). */
#ifndef REWRITE_TRACE_H
#define REWRITE_TRACE_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/header.h"
#include "mail/received.h"

/* RFC 5321 6.3 asks for a threshold of at least 100. */
enum { TRACE_HOPS_MAX = 100 };

/* True: the message has passed more than TRACE_HOPS_MAX systems. */
bool trace_is_loop(const struct header *h);

/* True: a Received field has the id of a message for which is_here() is true:
 * then this is that message, which has come back while it is in the queue.  An
 * older message may come again, because people resend messages. */
bool trace_has_come_back(const struct header *h,
    bool (*is_here)(void *ctx, const char *id), void *ctx);

/* Adds our Received field in front.  False: no room. */
bool trace_add(struct header *h, const struct received_opts *opts) MUST_CHECK;

#endif
