/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire.h - a client engine on a stream: bytes, TLS handshake and login.
 *
 * The part of a driver that does not depend on what the connection is for.  The
 * owner asks wire_handshake() whenever something has changed, then moves bytes
 * and events until nothing moves.
 */
#ifndef OUTBOUND_WIRE_H
#define OUTBOUND_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mail/verdict.h"
#include "outbound/courier_login.h"

struct tls_ctx;

struct wire {
	struct stream *stream; /* NULL: not connected yet */
	struct smtp_client *smtp; /* NULL until the transport is ready */
	struct courier_login login;
	const char *host;
	int64_t handshake_by; /* boot clock; INT64_MAX: none in progress */
	char who[VERDICT_WHO_MAX]; /* "smtp.example.org[192.0.2.1]:465" */
};

/* host is borrowed.  go_on(): the login has something to say.  account: see
 * courier_login.h. */
void wire_init(struct wire *w, struct loop *l, struct account *account,
    const char *host, void (*go_on)(void *ctx), void *ctx);
/* Frees engine and login; the stream sends what is left, for linger_ms. */
void wire_clear(struct wire *w, int64_t linger_ms);

/* Takes the stream over. */
void wire_connected(struct wire *w, struct stream *s);
/* Begins the handshake, which must be over within patience_ms.  -1: it cannot
 * begin. */
int wire_start_tls(
    struct wire *w, struct tls_ctx *ctx, int64_t patience_ms, struct err *err);

enum wire_handshake {
	WIRE_READY, /* none in progress: the engine may be driven */
	WIRE_TLS_UP, /* likewise, since just now */
	WIRE_WAITS, /* until handshake_by */
	WIRE_BROKEN, /* stream_error(), or closed by the peer */
	WIRE_TIMED_OUT
};
enum wire_handshake wire_handshake(struct wire *w);

/* Makes the engine; the names for EHLO are added to opts.  o is borrowed. */
void wire_begin(struct wire *w, struct smtp_client_opts *opts,
    struct account_opts *o, int port);

/* Bytes from the server wait, and the engine takes some. */
bool wire_has_input(struct wire *w);
/* Gives them to the engine, and what happened to the stream.  True: some
 * went. */
bool wire_take(struct wire *w);
/* Gives the engine's output to the stream.  True: some went. */
bool wire_give(struct wire *w);
/* The engine's next event, with what the engine does not know: which server
 * said it, and whether to a client that was logged in. */
enum sc_event wire_next(struct wire *w, bool is_logged_in, struct sc_info *ret);

#endif
