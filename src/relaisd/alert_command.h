/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert_command.h - runs the program that tells a person about a problem.
 *
 * Programs run one after another, on a worker thread, without a shell and
 * without a search for the program, for at most 30 seconds each, with an
 * environment of their own:
 *
 *	PATH=... LC_ALL=C.UTF-8 HOME=/
 *	RELAIS_EVENT=account-held	of the table in notice/alert.c
 *	RELAIS_ACCOUNT=work		or empty
 *	RELAIS_USER=www-data		of this machine; or empty
 *	RELAIS_REASON=one line		what is known, cause and remedy
 *	RELAIS_QUEUE=12			messages that wait
 *
 * and the same as one JSON object on standard input.
 */
#ifndef RELAISD_ALERT_COMMAND_H
#define RELAISD_ALERT_COMMAND_H

#include <stddef.h>

struct alert;
struct alert_command;
struct conf_list;
struct loop;

struct alert_command *alert_command_new(struct loop *l);
/* A program that runs is left to end by itself. */
void alert_command_free(struct alert_command *c);

/* command: the program and its arguments; empty: nothing is run.  waiting: how
 * many messages wait in the queue.  Copies all. */
void alert_command_run(struct alert_command *c, const struct conf_list *command,
    const struct alert *a, size_t waiting);

#endif
