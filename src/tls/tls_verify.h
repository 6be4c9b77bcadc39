/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_verify.h - decides whether a certificate belongs to the wanted server,
 * and says why not.
 *
 * The library checks signatures.  This module turns its result, the names and
 * the dates into a decision and one sentence that a person can act on.
 *
 * Names follow RFC 9525: only subjectAltName counts, dNSName for a host name
 * and iPAddress for an address, and "*" only as the whole left-most label.  The
 * common name is never used (R69).
 *
 * No I/O and no clock: the caller says what time it is.
 */
#ifndef TLS_TLS_VERIFY_H
#define TLS_TLS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

#include "base/buf.h"
#include "base/err.h"

/* Everything the decision depends on. */
struct tls_facts {
	const char *name; /* what the certificate must be for */
	unsigned status; /* result of gnutls_certificate_verify_peers() */
	bool is_for_name;
	bool is_self_signed;
	/* names in the certificate: "a, b and 3 more", or "" */
	const char *names;
	const char *issuer; /* escaped */
	/* Validity in seconds since 1970: of the server's certificate or
	 * (is_authority) of the certificate in its chain that is out of date.
	 * until_s 0: not sent. */
	int64_t from_s, until_s;
	bool is_authority;
	int64_t now_s;
};

/* 0, or -1 with class ERR_TLS. */
int tls_verify_decide(const struct tls_facts *f, struct err *err);

/* presented: one dNSName, as it stands in the certificate. */
bool tls_verify_name_matches(struct bytes presented, const char *host);

/* Verifies the chain that the peer of this session sent. */
int tls_verify_session(
    gnutls_session_t session, const char *name, int64_t now_s, struct err *err);
/* When the first certificate of the chain expires, in seconds since 1970; 0: no
 * chain was sent. */
int64_t tls_verify_expires_s(gnutls_session_t session);
/* The pin of the peer's key, "sha256:BASE64", as the setting tls_pin has it. */
int tls_verify_pin(gnutls_session_t session, struct buf *ret_pin);

#endif
