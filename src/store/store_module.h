/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_module.h - a store that is loaded as a module.
 *
 * relais-postgres.so brings libpq, and with it OpenSSL, LDAP and Kerberos.  So
 * it is a module in a package of its own, and only `store = postgres' loads it.
 */
#ifndef STORE_STORE_MODULE_H
#define STORE_STORE_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/must.h"

struct store;
struct store_mover;

struct store_module_opts {
	const char *url; /* the setting store_url */
	/* name of this relay; unique among those that share the store */
	const char *name;
	/* The spool of this machine, for small facts, the drop folder, and
	 * large messages in transit.  The store frees it. */
	struct store *here;
	const struct clock *clock;
};

/* One run of a relay. */
struct store_node {
	int64_t id;
	const char *name; /* name of the relay */
	int64_t silent_ms; /* since its last sign of life */
	bool is_late; /* its next sign of life is overdue */
	bool is_dead; /* declared dead; others take its messages */
	uint64_t messages;
};

struct store_module {
	const char *version; /* must equal the version of the program */
	/* Reports what it needs of the sandbox for this URL: TCP ports (0: a
	 * Unix socket) and files. */
	int (*needs)(const char *url, void (*port)(void *ctx, int port),
	    void (*file)(void *ctx, const char *path), void *ctx,
	    struct err *err);
	/* Looks up the host, connects, checks schema and promises of the
	 * server, and registers this relay.  Blocks.  -1: opts->here still
	 * belongs to the caller. */
	int (*open)(const struct store_module_opts *opts, struct store **ret,
	    struct err *err) MUST_CHECK;
	/* The thread that called open() is an event loop from now on, and must
	 * not wait for a connection: its calls fail at once while there is
	 * none. */
	void (*start)(struct store *s);
	/* init() makes the tables; upgrade() brings them up to date; check()
	 * reports what the server promises and what the tables hold.  Each
	 * appends sentences, each with LF, to said.  Block. */
	int (*init)(const char *url, struct buf *said, struct err *err);
	int (*upgrade)(const char *url, struct buf *said, struct err *err);
	int (*check)(const char *url, struct buf *said, struct err *err);
	/* Calls each() for the relays that run and those that have messages.
	 * Blocks. */
	int (*nodes)(const char *url,
	    void (*each)(void *ctx, const struct store_node *n), void *ctx,
	    struct err *err);
	/* For store_move.h.  open_move(): as open(), but registers no relay and
	 * accepts that messages wait here.  set_move(), before anything else:
	 * the number that owns messages while they move. */
	int (*open_move)(const struct store_module_opts *opts,
	    struct store **ret, struct err *err) MUST_CHECK;
	void (*set_move)(struct store *s, int64_t number);
	const struct store_mover *mover;
};

/* The name under which a module has its table. */
#define STORE_MODULE_SYMBOL "relais_store_module"

/* Loads relais-NAME.so for good.  The error says what to install. */
int store_module_load(const char *name, const struct store_module **ret,
    struct err *err) MUST_CHECK;

#endif
