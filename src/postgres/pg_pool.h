/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_pool.h - connections to a PostgreSQL server, and statements with a
 * deadline.
 *
 * A connection is used by one thread at a time, and kept for the next.  A
 * server that cannot be reached is not asked again for a moment, so that who
 * wants something then hears "no" at once.
 *
 * The thread that made the pool is the event loop's: while that runs, it takes
 * connections that are there and makes none.
 */
#ifndef POSTGRES_PG_POOL_H
#define POSTGRES_PG_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/err.h"

struct pg_pool;
struct pg_conn;

/* -1: the URL is wrong.  No connection is made. */
int pg_pool_new(const char *url, struct pg_pool **ret, struct err *err);
void pg_pool_free(struct pg_pool *p); /* all connections are given back */
/* Looks up the names in the URL, for good: nothing in a sandbox does that. */
int pg_pool_look_up(struct pg_pool *p, struct err *err);
/* The loop has started; it has ended. */
void pg_pool_start(struct pg_pool *p);
void pg_pool_stop(struct pg_pool *p);
/* host, port and database, for people. */
const char *pg_pool_name(const struct pg_pool *p);
/* Under this name the server shows the connections made from now on. */
void pg_pool_call(struct pg_pool *p, const char *name);
/* Checked for each new connection: -1 and it is not used. */
void pg_pool_check_by(
    struct pg_pool *p, int (*check)(struct pg_conn *c, struct err *err));

/* False on the loop's thread. */
bool pg_may_wait(const struct pg_pool *p);
struct pg_conn *pg_take(struct pg_pool *p, struct err *err); /* NULL: none */
void pg_give(struct pg_conn *c); /* closed, if it is broken */
/* Closes one that nobody has needed for a while, but for the few that a relay
 * at rest keeps. */
void pg_pool_rest(struct pg_pool *p);

/* A parameter: text, bytes as they are, or a number. */
struct pg_arg {
	enum { PG_ARG_TEXT, PG_ARG_BYTES, PG_ARG_NUMBER } kind;
	const char *p;
	size_t n;
	int64_t number;
};
#define PG_TEXT(s)   ((struct pg_arg) { PG_ARG_TEXT, (s), 0, 0 })
#define PG_BYTES(b)  ((struct pg_arg) { PG_ARG_BYTES, (b).p, (b).n, 0 })
#define PG_NUMBER(i) ((struct pg_arg) { PG_ARG_NUMBER, NULL, 0, (int64_t)(i) })
enum { PG_ARGS_MAX = 16 };

enum pg_said {
	PG_DONE,
	PG_REFUSED, /* by the server; nothing has changed */
	PG_LOST /* the connection; nobody knows what has changed */
};
/* One statement, results in binary.  PG_DONE: the caller clears *ret, which may
 * be NULL, with PQclear(). */
enum pg_said pg_ask(struct pg_conn *c, const char *sql,
    const struct pg_arg *args, int nargs, PGresult **ret, struct err *err);

/* Of its session, as the server tells it at the start; a pooler tells another
 * one than the session has. */
int pg_pid(const struct pg_conn *c);
int64_t pg_int(const PGresult *r, int row, int column); /* int2 to int8, bool */
struct bytes pg_bytes(const PGresult *r, int row, int column);
long pg_changed(const PGresult *r); /* rows */

/* What of a URL the sandbox must know. */
int pg_needs(const char *url, void (*port)(void *ctx, int port),
    void (*file)(void *ctx, const char *path), void *ctx, struct err *err);

#endif
