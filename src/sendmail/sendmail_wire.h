/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_wire.h - the client's end of an SMTP connection, blocking.
 *
 * One descriptor, lines out, replies in, each call with its own deadline.
 * Knows what a reply looks like (RFC 5321 4.2) and nothing of what is said.
 */
#ifndef SENDMAIL_SENDMAIL_WIRE_H
#define SENDMAIL_SENDMAIL_WIRE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/verdict.h"

struct wire {
	int fd;
	struct buf in; /* read, not yet looked at */
	struct buf out; /* said, not yet sent */
	struct buf text; /* of the newest reply, lines separated by \n */
};

/* Takes over fd; wire_clear() closes it. */
void wire_init(struct wire *w, int fd);
void wire_clear(struct wire *w);

/* Adds to what will be sent by wire_flush(); sends by itself when there is
 * much.  -1: the connection is lost (ERR_NETWORK). */
int wire_put(struct wire *w, const void *p, size_t n, struct err *err);
int wire_flush(struct wire *w, struct err *err);

/* Reads one whole reply; its text stays in w->text until the next.  Returns
 * the code, or -1: lost, too slow, or not SMTP. */
int wire_reply(struct wire *w, int timeout_ms, struct err *err);

/* The newest reply as a verdict; the enhanced code is taken out of its text. */
void wire_verdict(const struct wire *w, enum verdict_stage stage, int code,
    struct verdict *ret);

#endif
