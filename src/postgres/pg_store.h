/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_store.h - a store in PostgreSQL that several relays share.
 *
 * Each run of a relay is a node with a number of its own, and each message
 * belongs to a node.  Every change names both, so a late change by a former
 * owner changes nothing (ERR_LOST).  A node without a sign of life for ten
 * seconds is declared dead, for good, and others take its messages.
 */
#ifndef POSTGRES_PG_STORE_H
#define POSTGRES_PG_STORE_H

#include "store/store.h"
#include "store/store_module.h"
#include "store/store_move.h"

/* The functions open() and start() of struct store_module. */
int pg_store_open(const struct store_module_opts *o, struct store **ret,
    struct err *err) MUST_CHECK;
void pg_store_start(struct store *st);

/* For store_move.h: opens the store without registering a relay. */
int pg_store_open_move(const struct store_module_opts *o, struct store **ret,
    struct err *err) MUST_CHECK;
void pg_store_set_move(struct store *st, int64_t number);
extern const struct store_mover pg_mover;

#endif
