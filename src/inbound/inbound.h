/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inbound.h - the listeners and their sessions.
 *
 * Takes descriptors that are bound already, accepts, checks who it is, and runs
 * one session (inbound/session.h) per connection.  Knows the queue, but not
 * what happens to a message there.
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
	/* The largest message that is taken now. */
	uint64_t (*max_size)(void *ctx);
	size_t max_rcpts;
	size_t max_sessions;
	int64_t verdict_ms; /* QUEUE_MODE_VERDICT waits this long */
	bool hide_submitter;
	struct people *people; /* finds a user's name and groups */
	/* The name of the rule that forbids this user to submit, or NULL.
	 * Unsure: temporarily, because the rule needs facts that the user
	 * database does not give now. */
	const char *(*bars)(
	    void *ctx, const struct person *who, bool *ret_is_unsure);
	/* Does an account send mail under this address (identity)? Otherwise it
	 * is always replaced. */
	bool (*keeps_sender)(void *ctx, const char *addr);
	/* No account takes this message, of e->size_bytes; ret_why for the
	 * client. */
	bool (*refuses)(
	    void *ctx, const struct envelope *e, struct verdict *ret_why);
	/* For the clients of a Unix socket; NULL: there is none. */
	const char *(*account_name)(void *ctx, int account);
	/* Is it a name of this machine, and who gets its mail (false: nobody)?
	 * For the envelope and for To and Cc. */
	struct locals_opts locals;
	void *ctx;
};

struct inbound_listener {
	const char *name; /* copied; for the log */
	enum queue_mode mode;
	/* Verdicts for clients that send a few messages, QUEUE_MODE_SAFE for
	 * the others (inbound/pace.h). */
	bool is_auto;
	bool is_unix;
	/* May a peer with this address talk to us?  Not asked on a Unix socket;
	 * ctx stays valid while the listener lives. */
	bool (*allows)(const void *ctx, const char *client);
	const void *ctx;
};

struct inbound *inbound_new(
    struct loop *l, struct queue *q, const struct inbound_opts *opts);
/* Takes over fd, which is bound and listening. */
int inbound_listen(struct inbound *in, int fd,
    const struct inbound_listener *opts, struct err *err);
/* After a reload.  A session keeps the name and the limits that it greeted
 * with; rules, aliases and times are the new ones from its next command on. */
void inbound_set_opts(struct inbound *in, const struct inbound_opts *opts);

/* Stops accepting.  A session with a message under way, or that has not handed
 * one in yet, may finish one and is told 421 after the answer; all others are
 * told 421 now. */
void inbound_stop(struct inbound *in);
/* The time for that is over: 421 to all but those that wait for the queue's
 * answer, which they get first. */
void inbound_hurry(struct inbound *in);
/* No longer listens, so that somebody else may; sessions go on. */
void inbound_close(struct inbound *in);
size_t inbound_sessions(const struct inbound *in);
/* Messages since the start, also those of the drop folder. */
uint64_t inbound_accepted(const struct inbound *in);
void inbound_free(struct inbound *in); /* cuts what is left */

#endif
