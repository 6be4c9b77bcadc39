/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account_opts.h - the options of an account in one configuration.
 *
 * They never change: a user of them keeps a reference until it is done, and a
 * reload makes new ones.  Reference-counted, on the loop's thread.
 */
#ifndef ACCOUNT_ACCOUNT_OPTS_H
#define ACCOUNT_ACCOUNT_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/port_memory.h"
#include "base/err.h"
#include "base/secret.h"
#include "cred/cred.h"
#include "rewrite/identity.h"
#include "tls/tls_ctx.h"

struct account_opts {
	unsigned refs; /* besides the first one */
	/* The strings below belong to owner, which gone() tells when the last
	 * reference is dropped; gone may be NULL. */
	void (*gone)(void *owner);
	void *owner;
	const char *name; /* of the account */
	const char *host;
	struct account_port
	    ports[ACCOUNT_PORTS_MAX]; /* in order of preference */
	size_t nports;
	struct tls_client_opts tls;
	bool wants_auth;
	const char *user;
	const char *auth; /* mechanisms, or NULL */
	bool is_token;
	const char *ehlo_name; /* NULL: the address literal of the socket */
	struct identity_opts identity;
	size_t max_connections;
	size_t max_per_connection; /* messages; 0: no limit */
	uint64_t max_per_minute, max_per_hour, max_per_day; /* recipients */
	size_t max_rcpts; /* per transaction; 0: no limit */
	int64_t retry_after_ms;
	const struct cred_source *secret; /* to be compared; NULL: none */
	/* Blocks; called on a worker thread.  The caller owns *ret. */
	enum cred_result (*fetch_secret)(const void *ctx,
	    const struct cred_wish *wish, struct secret **ret,
	    struct cred_facts *facts, struct err *err);
	const void *fetch_ctx;
};

/* A copy of from; the caller has the only reference. */
struct account_opts *account_opts_new(const struct account_opts *from);
struct account_opts *account_opts_ref(struct account_opts *o);
void account_opts_free(
    struct account_opts *o); /* one reference; NULL is allowed */

/* The same server and user: the provider counts connections made with either as
 * the same user's. */
bool account_opts_same_user(
    const struct account_opts *a, const struct account_opts *b);
/* Likewise, and the same secret and mechanisms: what is known about the login
 * stays true. */
bool account_opts_same_login(
    const struct account_opts *a, const struct account_opts *b);
bool account_opts_same_ports(
    const struct account_opts *a, const struct account_opts *b);
bool account_opts_same_tls(
    const struct account_opts *a, const struct account_opts *b);
/* All of these and the same name in EHLO: a connection made with one could have
 * been made with the other. */
bool account_opts_same_way(
    const struct account_opts *a, const struct account_opts *b);

#endif
