/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_inside.h - declarations shared by the files of src/tls, not for other
 * folders.
 */
#ifndef TLS_TLS_INSIDE_H
#define TLS_TLS_INSIDE_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "base/err.h"

struct tls_ctx;

/* A pipe uses the credentials between these two calls, so that tls_ctx_trim()
 * knows.  The first pipe reads them from disk. */
int tls_ctx_take(struct tls_ctx *c, struct err *err);
void tls_ctx_give(struct tls_ctx *c);

bool tls_ctx_is_server(const struct tls_ctx *c);
/* True: this server asks clients for a certificate. */
bool tls_ctx_asks(const struct tls_ctx *c);
gnutls_certificate_credentials_t tls_ctx_credentials(const struct tls_ctx *c);
gnutls_priority_t tls_ctx_priority(const struct tls_ctx *c);
const gnutls_datum_t *tls_ctx_ticket_key(const struct tls_ctx *c);

/* The peer's chain has arrived: trusts the authorities that it names.  False:
 * the file has none of them.  Reads the disk. */
bool tls_ctx_trust(const struct tls_ctx *c, gnutls_session_t session);

bool tls_ctx_has_pins(const struct tls_ctx *c);
/* pin: "sha256:BASE64". */
bool tls_ctx_has_pin(const struct tls_ctx *c, const char *pin);

/* Stores the newest ticket and the name for which its session was verified. */
void tls_ctx_put_ticket(
    struct tls_ctx *c, const char *name, const gnutls_datum_t *ticket);
/* Borrowed until the next call on c; false: none for that name. */
bool tls_ctx_ticket(
    const struct tls_ctx *c, const char *name, gnutls_datum_t *ret);
void tls_ctx_drop_ticket(struct tls_ctx *c);

#endif
