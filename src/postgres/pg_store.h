/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_store.h - messages at rest in PostgreSQL, shared by several relays.
 *
 * Each run of a relay is a node with a number of its own, and each message
 * belongs to a node.  Every change names both, so one that comes late changes
 * nothing (ERR_LOST).  A node that has not been seen for ten seconds is
 * declared dead by others, for good; what it has is theirs to take.
 */
#ifndef POSTGRES_PG_STORE_H
#define POSTGRES_PG_STORE_H

#include "store/store.h"
#include "store/store_module.h"
#include "store/store_move.h"

/* open() and start() of store_module.h. */
int pg_store_open(const struct store_module_opts *o, struct store **ret,
    struct err *err) MUST_CHECK;
void pg_store_start(struct store *st);

/* For store_move.h: no relay. */
int pg_store_open_move(const struct store_module_opts *o, struct store **ret,
    struct err *err) MUST_CHECK;
void pg_store_set_move(struct store *st, int64_t number);
extern const struct store_mover pg_mover;

#endif
