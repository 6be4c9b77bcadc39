/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire.h - a client engine on a stream: bytes, TLS handshake and login.
 *
 * This is the part of a driver that does not depend on the purpose of the
 * connection.  The owner asks wire_handshake() whenever something has changed,
 * then moves bytes and events until nothing moves.  Nothing blocks.
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

/* host is borrowed.  go_on() is called when the login has something to say.
 * account: see courier_login.h. */
void wire_init(struct wire *w, struct loop *l, struct account *account,
    const char *host, void (*go_on)(void *ctx), void *ctx);
/* Frees engine and login.  The stream sends the rest, for at most linger_ms. */
void wire_clear(struct wire *w, int64_t linger_ms);

/* Takes over the stream. */
void wire_connected(struct wire *w, struct stream *s);
/* Begins the handshake, which must end within patience_ms.  -1: it cannot
 * begin. */
int wire_start_tls(
    struct wire *w, struct tls_ctx *ctx, int64_t patience_ms, struct err *err);

enum wire_handshake {
	WIRE_READY, /* none in progress: the engine may be driven */
	WIRE_TLS_UP, /* likewise; the handshake has just ended */
	WIRE_WAITS, /* in progress, until handshake_by */
	WIRE_BROKEN, /* the stream is broken (stream_error()) or closed */
	WIRE_TIMED_OUT
};
enum wire_handshake wire_handshake(struct wire *w);

/* Makes the engine from opts, with the EHLO names added.  o is borrowed. */
void wire_begin(struct wire *w, struct smtp_client_opts *opts,
    struct account_opts *o, int port);

/* True: bytes from the server wait, and the engine would take some. */
bool wire_has_input(struct wire *w);
/* Gives the engine waiting bytes, and the end of the stream.  True: it took
 * some. */
bool wire_take(struct wire *w);
/* Gives the engine's output to the stream.  True: the stream took some. */
bool wire_give(struct wire *w);
/* The engine's next event.  Its verdict gets what the engine does not know:
 * which server said it, and whether to a client that was logged in. */
enum sc_event wire_next(struct wire *w, bool is_logged_in, struct sc_info *ret);

#endif
