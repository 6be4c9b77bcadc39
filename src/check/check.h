/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - tries an account stage by stage and says which stage fails.
 *
 * A check looks up the host, connects to each of the account's ports over each
 * address family, and then, on the first port that answers, speaks TLS and
 * SMTP, logs in, and asks whether the account may send (MAIL FROM, RCPT TO
 * itself, RSET).  It sends a real message only on request.
 *
 * It logs in at most once, because some providers lock an account after failed
 * logins.  Nothing is sent in clear text that a delivery would not send so.
 *
 * If no port answers, it compares with other ports of the same host and with
 * the same ports of another provider.  So it can tell a filtered port from a
 * line on which SMTP is blocked, and from a provider that is down.
 *
 * Nothing blocks: a check runs on the loop.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <stdint.h>

#include "base/rng.h"
#include "check/check_result.h"

struct account_opts;
struct check;
struct loop;

enum { CHECK_CONNECT_MS = 3000, CHECK_STEP_MS = 20 * 1000 };

struct check_opts {
	/* What is checked: host, ports in order of preference, tls, user, auth,
	 * identity (its address is the sender), fetch_secret.  The check keeps
	 * a reference. */
	struct account_opts *account;
	/* Where the secret comes from, for people: "password_file
	 * /etc/relais/mail.secret"; NULL: not mentioned.  Copied. */
	const char *secret_from;
	/* recipient of a real message; NULL: none.  Copied. */
	const char *send_to;
	/* Another host that offers submission, for the comparison; NULL: no
	 * comparison.  Copied. */
	const char *witness;
	const struct rng *rng; /* for the Message-ID */
	int64_t connect_ms; /* for a connection; 0: CHECK_CONNECT_MS */
	int64_t step_ms; /* for each answer; 0: CHECK_STEP_MS */
};

/* told() is called for each result, never from within check_new().  over() is
 * called once, last; the caller may free the check from within it. */
struct check_hooks {
	void (*told)(void *ctx, const struct check_result *r);
	void (*over)(void *ctx, enum check_verdict worst);
	void *ctx;
};

/* Copies opts and hooks. */
struct check *check_new(struct loop *l, const struct check_opts *opts,
    const struct check_hooks *hooks);
/* Also allowed before over(): closes the connection, and no hook is called any
 * more. */
void check_free(struct check *c);

/* A well-known provider other than this host, for check_opts.witness.  The
 * check connects to it and sends nothing. */
const char *check_witness(const char *host);

#endif
