/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_change.h - the common part of hold, release, retry and delete: ids or
 * --all, one request, one line about the result.
 */
#ifndef RELAIS_RELAIS_CHANGE_H
#define RELAIS_RELAIS_CHANGE_H

#include "relais/relais.h"

/* Returns the exit status: 1 if one of them could not be changed. */
int relais_change(
    struct relais *r, const char *verb, int argc, char *const *argv);

/* Asks a person at a terminal; true: yes, or nobody is there to be asked. */
bool relais_confirm(const char *question);

#endif
