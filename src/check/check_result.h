/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_result.h - one result of the check of an account: as a value, as JSON
 * and as text.
 *
 * The daemon sends each result over the control socket as soon as it is known;
 * relais(1) and relais-setup print it.  A result never contains a secret.
 */
#ifndef CHECK_CHECK_RESULT_H
#define CHECK_CHECK_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"
#include "cred/cred.h"

/* In the order in which they are tried. */
enum check_stage {
	CHECK_DNS, /* the addresses of the host */
	CHECK_TCP, /* once for each port and family */
	CHECK_TLS, /* chain, name, days left */
	CHECK_EHLO, /* greeting, and what is offered */
	CHECK_SECRET, /* whether the daemon's user can read it */
	CHECK_AUTH,
	CHECK_MAIL, /* MAIL FROM, RCPT TO its own address, RSET */
	CHECK_SEND, /* a real message, only on request */
	CHECK_STAGES
};

/* Each is worse than those before it. */
enum check_verdict {
	/* not tried: an earlier stage failed, or it is not needed */
	CHECK_SKIPPED,
	CHECK_OK,
	/* does not work, but mail does not depend on it because the account has
	 * another port */
	CHECK_NOTE,
	CHECK_LATER, /* the network or the provider is in trouble: wait */
	CHECK_PERSON, /* a person must change something */
	CHECK_VERDICTS
};

enum { CHECK_SEEN_MAX = 600, CHECK_ADVICE_MAX = 800 };

struct check_result {
	enum check_stage stage;
	enum check_verdict verdict;
	int port; /* 0: not about a port */
	int family; /* AF_INET, AF_INET6; 0: not about a family */
	int64_t took_ms; /* -1: nothing was waited for */
	char seen[CHECK_SEEN_MAX]; /* what the server or the system said */
	char advice[CHECK_ADVICE_MAX]; /* what to do; "": nothing */
};

/* "dns", "tcp" ...; "ok", "note", "later", "person", "skipped". */
const char *check_stage_name(enum check_stage s);
const char *check_verdict_name(enum check_verdict v);

/* Fills in the result of the stage secret: where the secret comes from (NULL:
 * not mentioned), and the age of the token; facts is NULL or has no serial if
 * the secret is no token. */
void check_result_secret(struct check_result *r, const char *from,
    const struct cred_facts *facts, int64_t now_s);

/* The worse of the two. */
enum check_verdict check_worse(enum check_verdict a, enum check_verdict b);
/* Exit status of `relais check': 0 works, 1 later, 2 a person is needed. */
int check_exit_status(enum check_verdict v);

/* For the caller to json_decref(). */
json_t *check_result_json(const struct check_result *r);
/* False: this is not a result. */
bool check_result_from_json(
    const json_t *object, struct check_result *ret) MUST_CHECK;

/* Appends "tcp   587 IPv6   ok      12 ms  [2001:db8::1]", aligned, in the
 * language of the person, without advice and line end. */
void check_result_line(const struct check_result *r, struct buf *to);

#endif
