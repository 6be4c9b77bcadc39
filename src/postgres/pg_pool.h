/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_pool.h - connections to a PostgreSQL server, and statements with a
 * deadline.
 *
 * A connection is used by one thread at a time and then kept for the next.
 * After a failed attempt to connect, no other is made for a moment: callers
 * that need a new connection fail at once.
 *
 * The thread that made the pool is the event loop's.  While the loop runs, that
 * thread takes only existing connections.
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
/* only when all connections were given back */
void pg_pool_free(struct pg_pool *p);
/* Looks up the names in the URL once, because nothing in a sandbox can do that
 * later.  Blocks. */
int pg_pool_look_up(struct pg_pool *p, struct err *err);
/* The event loop has started; the event loop has ended. */
void pg_pool_start(struct pg_pool *p);
void pg_pool_stop(struct pg_pool *p);
/* host, port and database, for people. */
const char *pg_pool_name(const struct pg_pool *p);
/* The name under which the server shows connections made from now on. */
void pg_pool_call(struct pg_pool *p, const char *name);
/* Sets a check of each new connection; -1: the connection is not used. */
void pg_pool_check_by(
    struct pg_pool *p, int (*check)(struct pg_conn *c, struct err *err));

/* False: this is the loop's thread, which must not wait. */
bool pg_may_wait(const struct pg_pool *p);
/* NULL: err says why */
struct pg_conn *pg_take(struct pg_pool *p, struct err *err);
void pg_give(struct pg_conn *c); /* a broken connection is closed */
/* Closes a connection that was not needed for a while, except the few that an
 * idle relay keeps. */
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
	PG_REFUSED, /* refused by the server; nothing has changed */
	PG_LOST /* connection lost; unknown whether anything changed */
};
/* Runs one statement with binary results.  PG_DONE: the caller gives *ret,
 * which may be NULL, to PQclear(). */
enum pg_said pg_ask(struct pg_conn *c, const char *sql,
    const struct pg_arg *args, int nargs, PGresult **ret, struct err *err);

/* The process id of the session as the server reported it at the start.  A
 * pooler reports another one than the session has. */
int pg_pid(const struct pg_conn *c);
int64_t pg_int(const PGresult *r, int row, int column); /* int2 to int8, bool */
struct bytes pg_bytes(const PGresult *r, int row, int column);
long pg_changed(const PGresult *r); /* number of changed rows */

/* Reports the ports and files of a URL that the sandbox must allow. */
int pg_needs(const char *url, void (*port)(void *ctx, int port),
    void (*file)(void *ctx, const char *path), void *ctx, struct err *err);

#endif
