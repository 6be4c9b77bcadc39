/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control.h - the verbs of the control socket and the rights to use them.
 *
 * Root and the daemon's own user see and change everything; other users only
 * the messages that they submitted.  A user who asks about another user's
 * message is told that it does not exist.
 */
#ifndef RELAISD_CONTROL_H
#define RELAISD_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct accounts;
struct conf;
struct confine;
struct control;
struct loop;
struct outbound;
struct fold;
struct people;
struct queue;
struct recorder;
struct routing;
struct store;

/* Borrowed.  The functions are called each time, because their answers
 * change. */
struct control_opts {
	struct loop *loop;
	struct queue *queue;
	/* to look up users who ask to look as another user */
	struct people *people;
	struct recorder *recorder;
	struct store *store; /* for its history */
	struct fold *fold;
	struct accounts *accounts;
	const struct outbound *outbound;
	const struct routing *routing;
	size_t (*sessions)(void *ctx); /* incoming sessions now */
	uint64_t (*accepted)(void *ctx); /* messages accepted since the start */
	/* Reloads the configuration.  -1: err is the first problem, and the
	 * configuration in force stays. */
	int (*reload)(void *ctx, struct err *err);
	/* Finishes what is in progress, then ends the program. */
	void (*stop)(void *ctx);
	pid_t pid; /* the process to send signals to */
	/* Starts a sign-in.  Returns the descriptor of its conversation
	 * (cred_wire.h), for the caller to close, or -1.  Blocks; called on a
	 * worker thread.  flow: NULL, or one that cred_oauth.h has. */
	int (*sign_in)(void *ctx, const struct conf *conf, size_t account,
	    const char *flow, struct err *err);
	const struct confine *confine;
#ifdef WITH_ATTACK
	struct link *link;
#endif
	void *ctx;
};

/* Takes over fd, which is bound (mode 0666: rights depend on peer credentials)
 * and listening.  Copies opts. */
int control_new(int fd, const struct control_opts *opts, struct control **ret,
    struct err *err);
void control_free(struct control *c);

#endif
