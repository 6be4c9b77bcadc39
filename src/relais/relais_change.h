/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_change.h - the common part of hold, release, retry and delete: ids or
 * --all, one request, one line about the result.
 */
#ifndef RELAIS_RELAIS_CHANGE_H
#define RELAIS_RELAIS_CHANGE_H

#include "relais/relais.h"

/* Runs the command.  Returns the exit status: 1 if a message could not be
 * changed. */
int relais_change(
    struct relais *r, const char *verb, int argc, char *const *argv);

/* Asks the person at the terminal.  True: yes, or there is no person to ask. */
bool relais_confirm(const char *question);

#endif
