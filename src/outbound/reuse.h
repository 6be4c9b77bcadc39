/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reuse.h - what a connection has carried, and whether it may carry more.
 *
 * Many servers take only so many messages on one connection, and say so with an
 * answer to one of them.  That answer is about the connection and is charged
 * neither to the message nor to the account.
 *
 * A value without I/O.
 */
#ifndef OUTBOUND_REUSE_H
#define OUTBOUND_REUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "mail/diagnosis.h"
#include "mail/verdict.h"

struct reuse {
	size_t carried; /* messages given to this connection */
	size_t answered; /* of those, by the server itself */
	bool has_taken; /* the server: one of them at least */
	bool is_reused; /* the message under way found it idle */
	bool was_idle; /* broke at MAIL: the server may have closed it before */
	bool has_relief; /* the next courier is on its way */
	bool has_broken; /* with messages under way */
	bool is_over; /* the server wants a new connection */
};

/* What an answer to a message says of the connection. */
enum reuse_news {
	REUSE_GOES_ON,
	REUSE_SPENT, /* the server accepts no more messages on it */
	/* likewise, and `answered' is the server's limit, or may be */
	REUSE_LIMIT,
	REUSE_MAYBE_LIMIT,
	REUSE_BROKEN /* the session is of no more use */
};

/* A message is given to it; is_idle: none is under way. */
void reuse_carry(struct reuse *s, bool is_idle);
/* The end of one transaction.  is_void: the verdict is about the session, which
 * the engine reports at the end. */
enum reuse_news reuse_heard(struct reuse *s, const struct verdict *v,
    enum diagnosis_act act, bool is_void);

#endif
