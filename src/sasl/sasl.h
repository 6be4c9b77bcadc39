/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl.h - one attempt to log in, independent of SMTP.
 *
 * sasl_pick() chooses a mechanism that both sides have; a new struct sasl for
 * each attempt (R27) turns challenges into responses until the server is
 * satisfied.  Everything is raw bytes: the protocol around it adds base64.
 *
 * SCRAM, CRAM-MD5, PLAIN, LOGIN and EXTERNAL are from GNU SASL; XOAUTH2 and
 * OAUTHBEARER (RFC 7628) are our own.  NTLM, DIGEST-MD5 and GSSAPI are not
 * supported (R23).  SCRAM iteration counts outside 4,096 ... 1,000,000 and
 * unknown mandatory extensions are refused (R73).
 *
 * Pure, but sasl_step() may compute for a second; see sasl_key_new().
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/secret.h"

enum { SASL_MESSAGE_MAX = SECRET_MAX + 2048 };
enum { SASL_SCRAM_ITER_MIN = 4096, SASL_SCRAM_ITER_MAX = 1000000 };

/* What sasl_pick() may choose from. */
struct sasl_wish {
	/* Names, best first, blank separated; NULL: the usual order, SCRAM with
	 * channel binding, SCRAM, PLAIN, LOGIN or, with a token, OAUTHBEARER
	 * and XOAUTH2 only.  CRAM-MD5 and EXTERNAL must be named. */
	const char *allowed;
	const char *offered; /* names that the server offers, blank separated */
	bool is_token; /* the secret is an OAuth2 token */
	bool has_binding; /* channel binding data is at hand */
};

struct sasl_mech; /* constant */

/* The best mechanism that was not tried; NULL: none is left.  tried begins as
 * 0; sasl_mark_tried() adds a mechanism. */
const struct sasl_mech *sasl_pick(const struct sasl_wish *wish, unsigned tried);
unsigned sasl_mark_tried(unsigned tried, const struct sasl_mech *m);
const char *sasl_mech_name(const struct sasl_mech *m);
/* False: EXTERNAL, where the client's certificate identifies the user. */
bool sasl_mech_needs_secret(const struct sasl_mech *m);
/* True: the client speaks first, so an initial response may go with AUTH. */
bool sasl_mech_is_client_first(const struct sasl_mech *m);

/* Borrowed until sasl_free(). */
struct sasl_opts {
	const char *user;
	const struct secret *secret; /* may be NULL for EXTERNAL */
	const char *host; /* OAUTHBEARER */
	int port;
	const char *binding_type; /* "tls-exporter", "tls-unique", or NULL */
	struct bytes binding;
};

struct sasl;

/* NULL: GNU SASL lacks the mechanism. */
struct sasl *sasl_new(const struct sasl_mech *m, const struct sasl_opts *opts);
/* Overwrites its copies of the secret. */
void sasl_free(struct sasl *s);

/* Appends the response to a challenge to `to', which the caller wipes.  For a
 * mechanism whose client speaks first, the first call has an empty challenge
 * and gives the initial response.  False: cancel the exchange; sasl_trouble()
 * says why. */
bool sasl_step(
    struct sasl *s, struct bytes challenge, struct buf *to) MUST_CHECK;

/* SCRAM's salted password (RFC 5802 2.2: Hi()) takes up to a second to compute,
 * as the server chooses, and should be computed on another thread.  A key owns
 * everything it needs.  Without sasl_key_use(), sasl_step() computes the
 * password itself. */
struct sasl_key;
/* The key to derive before sasl_step() with this challenge, for the caller to
 * free.  NULL: none. */
struct sasl_key *sasl_key_new(struct sasl *s, struct bytes challenge);
void sasl_key_derive(struct sasl_key *k); /* on any thread */
void sasl_key_use(struct sasl *s, const struct sasl_key *k);
void sasl_key_free(struct sasl_key *k); /* overwrites it */

/* After the server has accepted: true if it may be believed.  False: a SCRAM
 * server has not proved that it knows the password, which is an attack. */
bool sasl_is_complete(const struct sasl *s);

/* sasl_trouble(): one sentence, or "".  sasl_server_reason(): the reason that
 * the server gave in XOAUTH2 and OAUTHBEARER (JSON text, cut; see
 * sasl_status.h), or empty.  Neither contains the secret. */
const char *sasl_trouble(const struct sasl *s);
struct bytes sasl_server_reason(const struct sasl *s);

#endif
