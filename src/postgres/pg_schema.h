/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_schema.h - the tables of a shared queue, and the promises of their server.
 *
 * doc/formats/store-postgres describes the tables.  Blocks on the network.
 */
#ifndef POSTGRES_PG_SCHEMA_H
#define POSTGRES_PG_SCHEMA_H

#include "postgres/pg_pool.h"
#include "store/store_module.h"

enum { PG_SCHEMA = 4 };

/* A relay without a sign of life for so long is dead, whether it knows or
 * not. */
#define PG_DEAD_AFTER "interval '10 s'"

/* For each new connection: checks that the tables have this version, and that a
 * confirmed commit is on the server's disk.  The error says what to do. */
int pg_schema_check(struct pg_conn *c, struct err *err);

/* See struct store_module. */
int pg_schema_init(const char *url, struct buf *said, struct err *err);
int pg_schema_upgrade(const char *url, struct buf *said, struct err *err);
int pg_schema_nodes(const char *url,
    void (*each)(void *ctx, const struct store_node *n), void *ctx,
    struct err *err);
int pg_schema_tell(const char *url, struct buf *said, struct err *err);

#endif
