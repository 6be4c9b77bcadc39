/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_trust.h - the authorities that this machine trusts, from a file of PEM
 * certificates.
 *
 * Such a file has some 150 of them.  Read as a whole they take 4 MB and some
 * ten milliseconds; a server's chain names one or two.  So only those are taken
 * out whose name is in the chain, when it is there to be verified.  GnuTLS
 * looks authorities up by that name only, and decides as if it had all of them.
 *
 * Blocks on the disk for the time of a read.
 */
#ifndef TLS_TLS_TRUST_H
#define TLS_TLS_TRUST_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "base/err.h"
#include "base/must.h"

/* The file that GnuTLS itself would read, or NULL if it has another store. */
const char *tls_trust_system_file(void);

/* Is there a certificate in it, and does each look like one?  ERR_CONFIG names
 * the file as tls_ca_file. */
int tls_trust_check(const char *file, struct err *err) MUST_CHECK;

/* Adds to cred the authorities that the peer's chain names; false: there are
 * none in the file, as in one that cannot be read. */
bool tls_trust_add(gnutls_certificate_credentials_t cred, const char *file,
    gnutls_session_t session);

#endif
