/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_move.h - relais store export and import: moves the messages of a
 * shared queue into the spool of this machine, or back (store/store_move.h).
 */
#ifndef RELAIS_RELAIS_MOVE_H
#define RELAIS_RELAIS_MOVE_H

#include <stdbool.h>

struct conf;
struct relais;
struct store_module;

/* Moves the messages, prints the result, and returns the exit status.  Runs as
 * the user of relaisd. */
int relais_move(struct relais *r, const struct conf *c,
    const struct store_module *module, bool is_export);

#endif
