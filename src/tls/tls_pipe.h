/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_pipe.h - one TLS connection, without a socket.
 *
 * Ciphertext in and out on one side, clear text in and out on the other; the
 * driver owns the transport.  TLS 1.2 or newer; as a client, chain, name (RFC
 * 9525: SAN dNSName only, wildcard in the left-most label) and dates are
 * verified before the first clear byte can pass, or the SPKI pin is.  SNI is
 * sent.  Post-handshake tickets are accepted at any time.
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
/* Clear text came before TLS (STARTTLS), so that the advice about the mode of
 * the port would be wrong. */
void tls_pipe_upgraded(struct tls_pipe *t);

/* Ciphertext from the peer: borrowed during the call, all of it is taken.
 * Then the pipe runs: handshake, records.  -1: the connection is finished. */
int tls_pipe_put(struct tls_pipe *t, const void *p, size_t n, struct err *err);
/* The transport ended.  Sets the clean/unclean end (R71). */
void tls_pipe_eof(struct tls_pipe *t);
/* Starts the handshake on the client side; harmless to repeat. */
int tls_pipe_run(struct tls_pipe *t, struct err *err);

/* Ciphertext for the peer, borrowed until the next call on t. */
size_t tls_pipe_peek(struct tls_pipe *t, const void **ret_p);
void tls_pipe_sent(struct tls_pipe *t, size_t n);
/* Nothing more is to be sent for now: gives back the memory that was kept for
 * it, if all has been sent. */
void tls_pipe_rest(struct tls_pipe *t);

bool tls_pipe_is_up(const struct tls_pipe *t); /* handshake done, verified */
/* Clear text from the peer: returns bytes copied, 0: none now. */
size_t tls_pipe_read(struct tls_pipe *t, void *p, size_t n);
/* True once tls_pipe_read() has found the end, with or without a close_notify
 * from the peer.  Only after a close_notify does tls_pipe_write() still
 * work. */
bool tls_pipe_at_eof(const struct tls_pipe *t);
/* Clear text for the peer: takes all n (the driver keeps an eye on how much
 * tls_pipe_peek() has waiting).  -1 when the connection is finished. */
int tls_pipe_write(
    struct tls_pipe *t, const void *p, size_t n, struct err *err);
void tls_pipe_bye(struct tls_pipe *t); /* close_notify */

/* After tls_pipe_is_up(): "TLSv1.3", borrowed constants. */
const char *tls_pipe_version(const struct tls_pipe *t);
/* When the first certificate of the peer's chain expires, in seconds since
 * 1970; 0: not known, as after a resumption. */
int64_t tls_pipe_expires_s(const struct tls_pipe *t);
bool tls_pipe_was_resumed(const struct tls_pipe *t);
/* At any time: a ticket was offered.  If that handshake fails, one more try is
 * worth while, because the ticket has been forgotten (F85). */
bool tls_pipe_offered_ticket(const struct tls_pipe *t);
/* Channel binding for SCRAM-PLUS (RFC 9266 tls-exporter on 1.3, else
 * tls-unique is not offered: RFC 7627 cannot be seen everywhere).  Empty: not
 * available.  Borrowed. */
const char *tls_pipe_binding(struct tls_pipe *t, struct bytes *ret);

#endif
