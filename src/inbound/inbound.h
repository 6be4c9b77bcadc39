/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inbound.h - the listeners and their sessions.
 *
 * Takes descriptors that are already bound, accepts connections, finds out who
 * the client is, and runs one session (inbound/session.h) for each.  Knows the
 * queue, but not what happens to a message there.  Nothing blocks.
 */
#ifndef INBOUND_INBOUND_H
#define INBOUND_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/queue.h"
#include "rewrite/locals.h"

struct inbound;
struct loop;
struct people;
struct person;

/* Borrowed strings and functions must outlive the inbound. */
struct inbound_opts {
	const char *hostname;
	/* The largest message that is accepted now. */
	uint64_t (*max_size)(void *ctx);
	size_t max_rcpts;
	size_t max_sessions;
	int64_t verdict_ms; /* QUEUE_MODE_VERDICT waits this long */
	bool hide_submitter;
	struct people *people; /* looks up a user's name and groups */
	/* The name of the rule that forbids this user to submit, or NULL.
	 * *ret_is_unsure: forbidden for now, because the user database does not
	 * answer. */
	const char *(*bars)(
	    void *ctx, const struct person *who, bool *ret_is_unsure);
	/* True: an account sends mail under this address (identity).  Otherwise
	 * the address is always replaced. */
	bool (*keeps_sender)(void *ctx, const char *addr);
	/* True: no account takes this message of e->size_bytes; *ret_why is for
	 * the client. */
	bool (*refuses)(
	    void *ctx, const struct envelope *e, struct verdict *ret_why);
	/* The name of an account, for clients of a Unix socket; NULL: it has
	 * none. */
	const char *(*account_name)(void *ctx, int account);
	/* Local names and who gets their mail, for the envelope and for To and
	 * Cc. */
	struct locals_opts locals;
	void *ctx;
};

struct inbound_listener {
	const char *name; /* copied; for the log */
	enum queue_mode mode;
	/* mode = auto: QUEUE_MODE_VERDICT for clients that send few messages,
	 * QUEUE_MODE_SAFE for the others (inbound/pace.h). */
	bool is_auto;
	bool is_unix;
	/* True: a client with this address may connect.  Not asked on a Unix
	 * socket.  ctx must stay valid while the listener exists. */
	bool (*allows)(const void *ctx, const char *client);
	const void *ctx;
};

struct inbound *inbound_new(
    struct loop *l, struct queue *q, const struct inbound_opts *opts);
/* Takes over fd, which is bound and listening. */
int inbound_listen(struct inbound *in, int fd,
    const struct inbound_listener *opts, struct err *err);
/* After a reload.  A session keeps the name and the limits that it greeted
 * with; rules, aliases and times apply from its next command on. */
void inbound_set_opts(struct inbound *in, const struct inbound_opts *opts);

/* Stops accepting connections.  A session that has a message in progress, or
 * has submitted none yet, may finish one message and is told 421 after its
 * answer; all others are told 421 now. */
void inbound_stop(struct inbound *in);
/* The time for that is over: 421 to all sessions except those that wait for the
 * queue's answer, which get it first. */
void inbound_hurry(struct inbound *in);
/* Closes the listeners, so that another process may listen; sessions
 * continue. */
void inbound_close(struct inbound *in);
size_t inbound_sessions(const struct inbound *in);
/* Messages accepted since the start, including those of the drop folder. */
uint64_t inbound_accepted(const struct inbound *in);
void inbound_free(struct inbound *in); /* cuts the remaining sessions */

#endif
