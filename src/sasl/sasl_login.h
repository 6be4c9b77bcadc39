/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl_login.h - one login, from the first mechanism to the last.
 *
 * Picks a mechanism, answers the server's challenges, and judges a refusal: is
 * it about this mechanism, so that the next one may be tried, or about the
 * login itself?  A refused password is never sent again (R57), with any
 * mechanism, because some servers count that.
 *
 * Pure and without SMTP: the caller speaks with the server, reports what the
 * server said, and does what sasl_login_act() asks for.
 */
#ifndef SASL_SASL_LOGIN_H
#define SASL_SASL_LOGIN_H

#include "mail/verdict.h"
#include "sasl/sasl.h"

/* Borrowed strings must outlive the login. */
struct sasl_login_opts {
	const char *user;
	/* Mechanisms that may be used, best first, blank separated; NULL: the
	 * usual order (sasl.h). */
	const char *allowed;
	bool is_token; /* the secret is an OAuth2 token */
	const char *host; /* name of the server, for OAUTHBEARER */
	int port;
};

struct sasl_login;

struct sasl_login *sasl_login_new(const struct sasl_login_opts *opts);
void sasl_login_free(struct sasl_login *l); /* overwrites the secret */

/* What is to be done now. */
enum sasl_act {
	/* fetch the secret, then sasl_login_secret(); not for EXTERNAL, which
	 * has none */
	SASL_FETCH,
	SASL_BEGIN, /* send AUTH with _mechanism() and _initial() */
	SASL_RESPOND, /* send _response() */
	SASL_DERIVE, /* _take_key(), sasl_key_derive() on another thread, then
		      * _keyed() */
	SASL_LOGGED_IN,
	/* The login has failed; sasl_login_why() says why. */
	SASL_NO_MECHANISM, /* no mechanism that both sides have */
	SASL_REFUSED,
	SASL_LATER
};

/* --- what has happened; each changes sasl_login_act() --------------------- */

/* The server offers these mechanisms, blank separated. */
void sasl_login_offered(struct sasl_login *l, struct bytes mechanisms);
/* Copies the secret.  binding, the channel binding data of the TLS session, may
 * be empty: then no -PLUS mechanism is used. */
void sasl_login_secret(struct sasl_login *l, const struct secret *s,
    const char *binding_type, struct bytes binding);
/* _challenge(): the server sent this challenge, decoded.  _keyed(): the key
 * from _take_key() has been derived. */
void sasl_login_challenge(struct sasl_login *l, struct bytes challenge);
void sasl_login_keyed(struct sasl_login *l, const struct sasl_key *k);
/* The server has accepted.  With a mechanism in which the server proves that it
 * knows the password (RFC 5802), this is believed only with the proof. */
void sasl_login_accepted(struct sasl_login *l);
/* The server has refused.  is_bare: from now on initial responses follow a
 * challenge; a mechanism that was refused before that is tried again. */
void sasl_login_refused(
    struct sasl_login *l, const struct verdict *v, bool is_bare);

/* --- what is to be said; borrowed until the next call on l ---------------- */

enum sasl_act sasl_login_act(const struct sasl_login *l);
const char *sasl_login_mechanism(const struct sasl_login *l);
/* NULL: the server speaks first. */
const struct bytes *sasl_login_initial(const struct sasl_login *l);
struct bytes sasl_login_response(const struct sasl_login *l);
/* The caller owns the result. */
struct sasl_key *sasl_login_take_key(struct sasl_login *l);
const struct verdict *sasl_login_why(const struct sasl_login *l);

#endif
