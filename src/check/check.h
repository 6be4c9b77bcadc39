/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - tries an account stage by stage and says which one is broken.
 *
 * It looks up the host, connects to each of the account's ports over each
 * family, and then, on the first port that answers, speaks TLS and SMTP, logs
 * in, and asks whether the account may send (MAIL FROM, RCPT TO itself, RSET).
 * A real message leaves only if it is asked for.
 *
 * It logs in at most once, because some providers lock an account that fails
 * often.  Nothing is sent in clear text that deliveries would not send so.
 *
 * If no port answers, it compares: with other ports of the same host, and with
 * the same ports of another provider.  So it can tell a filtered port from a
 * line on which SMTP is blocked and from a provider that is down.
 *
 * Nothing blocks: it works on the loop.
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
	 * identity (its address is the sender), fetch_secret.  A reference is
	 * kept until the end. */
	struct account_opts *account;
	/* Where the secret comes from, for people: "password_file
	 * /etc/relais/mail.secret"; NULL: nothing is said of it.  Copied. */
	const char *secret_from;
	const char *send_to; /* where the message goes; NULL: none.  Copied. */
	/* A host that offers submission too, for the comparison; NULL: none is
	 * asked.  Copied. */
	const char *witness;
	const struct rng *rng; /* for the Message-ID */
	int64_t connect_ms; /* for a connection; 0: CHECK_CONNECT_MS */
	int64_t step_ms; /* for each answer; 0: CHECK_STEP_MS */
};

/* told() is called for each result, never from within check_new().  over()
 * comes once, last; from within it or later the caller frees the check. */
struct check_hooks {
	void (*told)(void *ctx, const struct check_result *r);
	void (*over)(void *ctx, enum check_verdict worst);
	void *ctx;
};

/* Copies opts and hooks. */
struct check *check_new(struct loop *l, const struct check_opts *opts,
    const struct check_hooks *hooks);
/* Also before it is over: cuts the connection, no hook is called any more. */
void check_free(struct check *c);

/* A well-known provider that is not this one, for check_opts.witness.  It is
 * connected to and not spoken with. */
const char *check_witness(const char *host);

#endif
