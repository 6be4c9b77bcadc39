/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_module.h - a store that is not built in.
 *
 * relais-postgres.so brings libpq, and with it OpenSSL, LDAP and Kerberos, so
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
	const char *name; /* of this relay: where its users submit; unique */
	/* The spool: it keeps small facts and the drop folder, and large
	 * messages while they come and go.  The store frees it. */
	struct store *here;
	const struct clock *clock;
};

/* One run of a relay. */
struct store_node {
	int64_t id;
	const char *name; /* of its machine */
	int64_t silent_ms; /* since it was heard */
	bool is_late; /* it should have been heard */
	bool is_dead; /* what it has is for the others */
	uint64_t messages;
};

struct store_module {
	const char *version; /* that of the program, or it is not used */
	/* What it will ask of the sandbox, by its URL: TCP ports, 0 for a Unix
	 * socket, and files. */
	int (*needs)(const char *url, void (*port)(void *ctx, int port),
	    void (*file)(void *ctx, const char *path), void *ctx,
	    struct err *err);
	/* Looks up its host, connects, checks the schema and what the server
	 * promises, and enters this relay.  Blocks.  -1: here is still the
	 * caller's. */
	int (*open)(const struct store_module_opts *opts, struct store **ret,
	    struct err *err) MUST_CHECK;
	/* The thread that called open() is a loop now and never waits for a
	 * connection: what it asks while there is none fails at once. */
	void (*start)(struct store *s);
	/* Makes the tables; brings them up to date; says in sentences, each
	 * with LF, what is promised and what is there.  Block. */
	int (*init)(const char *url, struct buf *said, struct err *err);
	int (*upgrade)(const char *url, struct buf *said, struct err *err);
	int (*check)(const char *url, struct buf *said, struct err *err);
	/* Those that run, and those that have messages. */
	int (*nodes)(const char *url,
	    void (*each)(void *ctx, const struct store_node *n), void *ctx,
	    struct err *err);
	/* For store_move.h: as open(), but enters no relay, and does not mind
	 * what waits here; then, before anything else, whose its messages are
	 * while they move. */
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
