/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert_command.h - runs the program that tells a person about a problem.
 *
 * Without a shell and without a search for the program, for at most 30 seconds,
 * with an environment of its own:
 *
 *	PATH=... LC_ALL=C.UTF-8 HOME=/
 *	RELAIS_EVENT=account-held	of the table in notice/alert.c
 *	RELAIS_ACCOUNT=work		or empty
 *	RELAIS_USER=www-data		of this machine; or empty
 *	RELAIS_REASON=one line		what is known, cause and remedy
 *	RELAIS_QUEUE=12			messages that wait
 *
 * and the same as one JSON object on standard input.  Blocks.
 */
#ifndef RELAISD_ALERT_COMMAND_H
#define RELAISD_ALERT_COMMAND_H

#include <stddef.h>

#include "cred/cred_run.h"

struct alert;
struct conf_list;

/* Runs the command.  command: the program, an absolute path, and its arguments.
 * waiting: how many messages wait in the queue.  The caller calls
 * cred_run_init() before and cred_run_clear() after; code and err of *ret say
 * how the program ended. */
enum cred_ran alert_command_run(const struct conf_list *command,
    const struct alert *a, size_t waiting, struct cred_run *ret);

#endif
