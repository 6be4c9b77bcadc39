/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.h - one connected socket on the loop, with or without TLS.
 *
 * Reading and writing are the same in clear text and under TLS, so the driver
 * of an engine is one small function that is called whenever something has
 * changed: bytes have arrived, there is room to write, the peer has closed, TLS
 * is up, or the stream is broken.
 *
 * An idle stream has no buffers: bytes are read into one buffer of the loop,
 * and only bytes that the driver leaves unread are kept; reading stops until
 * they are used.  Nothing blocks.  ready() is called from the loop, never from
 * within a call on the stream, so there is no re-entrance.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct stream;
struct tls_ctx;

enum {
	STREAM_UNREAD_MAX = 65536, /* kept for a driver that reads slowly */
	STREAM_UNSENT_MAX = 262144 /* accepted from the driver, not sent */
};

/* Takes over a connected descriptor (TCP or Unix) and makes it non-blocking.  A
 * TCP socket should have TCP_NODELAY, because the stream itself gathers small
 * writes.  ready() may be changed later with stream_on_ready(). */
struct stream *stream_new(
    struct loop *l, int fd, void (*ready)(void *ctx), void *ctx);
void stream_on_ready(struct stream *s, void (*ready)(void *ctx), void *ctx);
/* Closes at once; unsent bytes are lost.  No callback follows. */
void stream_free(struct stream *s);
/* Sends the unsent bytes (and close_notify), waits for the peer to close, then
 * closes and frees the stream.  Bytes from the peer are dropped; the wait ends
 * after linger_ms or 64 KiB of them.  The caller must not use s again; no
 * callback follows, and the TLS context is not used any more. */
void stream_finish(struct stream *s, int64_t linger_ms);
/* The peer has said in its protocol that it will send no more, so
 * stream_finish() need not wait for it to close. */
void stream_said_bye(struct stream *s);

/* Bytes from the peer, borrowed until the next call on s.  stream_used() says
 * how many the driver has used; the others are kept. */
size_t stream_peek(struct stream *s, const void **ret_p);
void stream_used(struct stream *s, size_t n);
/* True: the peer has closed and everything was read.  Under TLS a missing
 * close_notify is an end too, not an error (R71). */
bool stream_at_eof(const struct stream *s);

/* Bytes for the peer.  stream_room() is how many will be accepted;
 * stream_write() accepts up to that many and returns the number.  Bytes that
 * the kernel does not take at once wait inside.  Bytes written in one turn
 * leave together: they are flushed when the driver returns to the loop, or by
 * stream_flush(). */
size_t stream_room(const struct stream *s);
size_t stream_write(struct stream *s, const void *p, size_t n);
void stream_flush(struct stream *s);
/* Bytes accepted by stream_write(), in the form they have on the wire, that the
 * kernel does not have yet; once the stream is broken, also those that it never
 * got. */
size_t stream_unsent(const struct stream *s);

/* Non-NULL once the stream is broken (reset, TLS failure).  One sentence. */
const struct err *stream_error(const struct stream *s);

/* Starts TLS with the next byte.  -1 (ERR_TLS): clear bytes are unread, which
 * must not be (R5).  A client verifies name; NULL for a server.  ready() is
 * called when TLS is up or has failed. */
int stream_start_tls(
    struct stream *s, struct tls_ctx *ctx, const char *name, struct err *err);
bool stream_tls_is_up(const struct stream *s);
struct tls_pipe *stream_tls(struct stream *s); /* NULL in clear text */

/* "192.0.2.1", port and family of the peer; "" and 0 on a Unix socket. */
const char *stream_peer_host(const struct stream *s);
int stream_peer_port(const struct stream *s);
/* The local address as an EHLO address literal: "[192.0.2.7]", "[IPv6:...]";
 * "" on a Unix socket. */
const char *stream_local_literal(struct stream *s);
/* The user at the other end of a Unix socket (SO_PEERCRED) or of a loopback TCP
 * connection: see net/peer.h, which also defines UID_UNKNOWN.  Looks it up each
 * time. */
uint32_t stream_peer_uid(const struct stream *s);

#endif
