/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_ctx.h - the state that all TLS connections of one account (or of one test
 * server) share.
 *
 * A context has trust anchors, client certificate, pins, and the newest session
 * ticket for resumption, which accounts never share (R7).  Keys, and the
 * authorities that servers have named, are read from disk when a connection
 * needs them and dropped by tls_ctx_trim().
 *
 * Reading them blocks on the disk for some milliseconds; nothing else blocks.
 */
#ifndef TLS_TLS_CTX_H
#define TLS_TLS_CTX_H

#include "base/err.h"

struct tls_ctx;

enum { TLS_PINS_MAX = 2 };

struct tls_client_opts { /* strings are copied */
	const char *ca_file; /* NULL: the system store */
	const char *pins[TLS_PINS_MAX]; /* "sha256:BASE64" of the SPKI, or NULL;
					 * a pin that matches replaces the
					 * chain check, not the TLS version */
	const char *cert_file, *key_file; /* client certificate, or NULL */
};
/* The server side, for the test provider. */
struct tls_server_opts {
	const char *cert_file, *key_file;
	const char *client_ca_file; /* ask for a certificate; NULL: do not */
	const char *priority; /* GnuTLS's words, to play an old server; NULL:
			       * TLS 1.2 or newer */
};

int tls_ctx_new_client(
    const struct tls_client_opts *opts, struct tls_ctx **ret, struct err *err);
int tls_ctx_new_server(
    const struct tls_server_opts *opts, struct tls_ctx **ret, struct err *err);
/* Reads every file once, for relaisd --check.  ERR_CONFIG names the file that
 * cannot be read. */
int tls_ctx_check(struct tls_ctx *c, struct err *err);
/* The context lives on until the last of its pipes is freed. */
void tls_ctx_free(struct tls_ctx *c);

/* Drops trust anchors and keys if no pipe uses them; the next pipe reads them
 * again.  Also forgets the session ticket. */
void tls_ctx_trim(struct tls_ctx *c);

#endif
