/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_pipe.h - one TLS connection, without a socket.
 *
 * Ciphertext goes in and out on one side, clear text on the other; the driver
 * owns the transport.  TLS 1.2 or newer.  A client verifies chain, name (RFC
 * 9525: SAN dNSName only, wildcard in the left-most label) and dates, or the
 * SPKI pin, before the first clear byte can pass, and sends SNI.  Tickets are
 * accepted at any time after the handshake.
 *
 * No call blocks, except that the file of authorities is read, which takes some
 * milliseconds, when a server's chain names one for the first time
 * (tls_trust.h).  Errors are sentences that say what was wrong with the
 * certificate and, if the first bytes show it, which TLS mode the port wants.
 */
#ifndef TLS_TLS_PIPE_H
#define TLS_TLS_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct tls_ctx;
struct tls_pipe;

/* name: what the certificate must be for (host name or IP literal), copied;
 * NULL on the server side.  The context must outlive the pipe. */
int tls_pipe_new(struct tls_ctx *ctx, const char *name, struct tls_pipe **ret,
    struct err *err);
void tls_pipe_free(struct tls_pipe *t);
/* Clear text was exchanged before TLS (STARTTLS), so errors do not advise
 * another TLS mode for the port. */
void tls_pipe_upgraded(struct tls_pipe *t);

/* Ciphertext from the peer, borrowed for the call; all of it is taken.  Runs
 * the handshake and decrypts records.  -1: the connection is finished. */
int tls_pipe_put(struct tls_pipe *t, const void *p, size_t n, struct err *err);
/* The transport has ended, with or without a close_notify (R71). */
void tls_pipe_eof(struct tls_pipe *t);
/* Starts the handshake on the client side; harmless to repeat. */
int tls_pipe_run(struct tls_pipe *t, struct err *err);

/* Ciphertext for the peer, borrowed until the next call on t. */
size_t tls_pipe_peek(struct tls_pipe *t, const void **ret_p);
void tls_pipe_sent(struct tls_pipe *t, size_t n);
/* Nothing more is to be sent for now: frees the send buffer if everything was
 * sent. */
void tls_pipe_rest(struct tls_pipe *t);

bool tls_pipe_is_up(const struct tls_pipe *t); /* handshake done, verified */
/* Clear text from the peer: returns bytes copied, 0: none now. */
size_t tls_pipe_read(struct tls_pipe *t, void *p, size_t n);
/* True once tls_pipe_read() has found the end, with or without a close_notify
 * from the peer.  Only after a close_notify does tls_pipe_write() still
 * work. */
bool tls_pipe_at_eof(const struct tls_pipe *t);
/* Clear text for the peer; all n bytes are taken (the driver watches how much
 * tls_pipe_peek() has waiting).  -1: the connection is finished. */
int tls_pipe_write(
    struct tls_pipe *t, const void *p, size_t n, struct err *err);
void tls_pipe_bye(struct tls_pipe *t); /* close_notify */

/* After tls_pipe_is_up(): "TLSv1.3" or the like; static. */
const char *tls_pipe_version(const struct tls_pipe *t);
/* When the first certificate of the peer's chain expires, in seconds since
 * 1970; 0: not known, as after a resumption. */
int64_t tls_pipe_expires_s(const struct tls_pipe *t);
bool tls_pipe_was_resumed(const struct tls_pipe *t);
/* At any time: true if a ticket was offered.  If that handshake fails, one more
 * attempt is worth while, because the ticket has been forgotten. */
bool tls_pipe_offered_ticket(const struct tls_pipe *t);
/* Channel binding data for SCRAM-PLUS, and the name of its type: tls-exporter
 * (RFC 9266) with TLS 1.3.  tls-unique is not offered for older versions,
 * because RFC 7627 cannot be verified everywhere.  Empty: not available.
 * Borrowed. */
const char *tls_pipe_binding(struct tls_pipe *t, struct bytes *ret);

#endif
