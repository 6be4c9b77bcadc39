/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert.h - tells a person about a problem by another way than mail.
 *
 * Each cause is an event and the account or user it is about, if any.  Raising
 * it logs one line and runs alert_command once; raising it again does nothing
 * until alert_over().  Commands run one after another, on a worker thread,
 * without a shell and without a search for the program, for at most 30 seconds
 * each, with an environment of their own:
 *
 *	PATH=... LC_ALL=C.UTF-8 HOME=/
 *	RELAIS_EVENT=account-held	of the table in alert.c
 *	RELAIS_ACCOUNT=work		or empty
 *	RELAIS_USER=www-data		of this machine; or empty
 *	RELAIS_REASON=one line		what is known, cause and remedy
 *	RELAIS_QUEUE=12			messages that wait
 *
 * and the same as one JSON object on standard input.
 */
#ifndef RELAISD_ALERT_H
#define RELAISD_ALERT_H

#include <stddef.h>

struct alerts;
struct conf_list;
struct loop;

struct alert_opts {
	struct loop *loop;
	/* Asked each time: alert_command, empty for none. */
	const struct conf_list *(*command)(void *ctx);
	size_t (*waiting)(void *ctx); /* messages in the queue */
	void *ctx;
};

struct alerts *alert_new(const struct alert_opts *opts);
/* A command that runs is left to end by itself. */
void alert_free(struct alerts *a);

/* about: the account or user, may be NULL. */
void alert_raise(
    struct alerts *a, const char *event, const char *about, const char *reason);
void alert_over(struct alerts *a, const char *event, const char *about);

#endif
