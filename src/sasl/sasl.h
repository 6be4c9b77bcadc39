/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl.h - one attempt to log in, as a machine that knows no SMTP.
 *
 * A mechanism is picked from what both sides have; then a new object for each
 * attempt (R27) turns challenges into responses until the server is satisfied.
 * Everything is raw bytes: base64 belongs to the protocol around it.
 *
 * SCRAM, CRAM-MD5, PLAIN, LOGIN and EXTERNAL are GNU SASL's; XOAUTH2 and
 * OAUTHBEARER (RFC 7628) are a few lines of ours.  NTLM, DIGEST-MD5 and GSSAPI
 * do not exist here (R23).  SCRAM iteration counts outside 4,096 ... 1,000,000
 * and unknown mandatory extensions are refused (R73).
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/secret.h"

enum { SASL_MESSAGE_MAX = SECRET_MAX + 2048 };
enum { SASL_SCRAM_ITER_MIN = 4096, SASL_SCRAM_ITER_MAX = 1000000 };

/* What may be picked. */
struct sasl_wish {
	/* Names, best first, blank separated, or NULL for the usual order:
	 * SCRAM with channel binding, SCRAM, PLAIN, LOGIN; or, with a token,
	 * OAUTHBEARER and XOAUTH2 alone.  CRAM-MD5 and EXTERNAL must be
	 * named. */
	const char *allowed;
	const char *offered; /* by the server: names, blank separated */
	bool is_token; /* the secret is an OAuth2 token */
	bool has_binding; /* channel binding data is at hand */
};

struct sasl_mech; /* constant, lives for ever */

/* The best mechanism that was not tried; NULL: none is left.  tried begins
 * as 0; sasl_mark_tried() puts a mechanism into it. */
const struct sasl_mech *sasl_pick(const struct sasl_wish *wish, unsigned tried);
unsigned sasl_mark_tried(unsigned tried, const struct sasl_mech *m);
const char *sasl_mech_name(const struct sasl_mech *m);
/* False: EXTERNAL, where the certificate of the client says who it is. */
bool sasl_mech_needs_secret(const struct sasl_mech *m);
/* The client speaks first: an initial response may go with AUTH. */
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

/* NULL: the library cannot do it. */
struct sasl *sasl_new(const struct sasl_mech *m, const struct sasl_opts *opts);
/* Overwrites what it knew of the secret. */
void sasl_free(struct sasl *s);

/* The response to a challenge, appended to `to`, which the caller wipes.  For
 * a mechanism whose client speaks first, the first call has an empty challenge
 * and gives the initial response.  False: give up and cancel the exchange;
 * sasl_trouble() says why. */
bool sasl_step(
    struct sasl *s, struct bytes challenge, struct buf *to) MUST_CHECK;

/* SCRAM's salted password (RFC 5802 2.2: Hi()): at the server's will up to a
 * second of work, which is for another thread than the one that serves others.
 * A key owns all it needs.  Without sasl_key_use(), sasl_step() derives it
 * itself. */
struct sasl_key;
/* The key that must be derived before sasl_step() with this challenge; the
 * caller owns it.  NULL: none. */
struct sasl_key *sasl_key_new(struct sasl *s, struct bytes challenge);
void sasl_key_derive(struct sasl_key *k); /* on any thread */
void sasl_key_use(struct sasl *s, const struct sasl_key *k);
void sasl_key_free(struct sasl_key *k); /* overwrites it */

/* The server said yes: may it be believed?  False for a SCRAM server that has
 * not proved that it knows the password: an attack. */
bool sasl_is_complete(const struct sasl *s);

/* One sentence, or ""; the reason that the server gave in XOAUTH2 and
 * OAUTHBEARER (a JSON text, cut; see sasl_status.h), or "".  Never a secret. */
const char *sasl_trouble(const struct sasl *s);
struct bytes sasl_server_reason(const struct sasl *s);

#endif
