/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_trust.h - the authorities that this machine trusts, from a file of PEM
 * certificates.
 *
 * Such a file has some 150 certificates, which take 4 MB and about ten
 * milliseconds to read, while a server's chain names one or two.  So when a
 * chain is to be verified, only the authorities that it names are read.  GnuTLS
 * looks authorities up by name only, so it decides as if it had all of them.
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

/* Checks that the file has certificates and that each looks like one.
 * ERR_CONFIG names the file as tls_ca_file. */
int tls_trust_check(const char *file, struct err *err) MUST_CHECK;

/* Adds to cred the authorities that the peer's chain names.  False: the file
 * has none of them, or cannot be read. */
bool tls_trust_add(gnutls_certificate_credentials_t cred, const char *file,
    gnutls_session_t session);

#endif
