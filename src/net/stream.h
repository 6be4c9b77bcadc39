/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.h - one connected socket on the loop, with or without TLS.
 *
 * Reading and writing are the same in clear text and under TLS, so the driver
 * of an engine is one small function that is called whenever something changed:
 * bytes came, room came, the peer closed, TLS is up, or the stream broke.
 *
 * An idle stream holds no buffers: bytes are read into one buffer of the loop
 * and only bytes that the driver leaves unread are kept (and reading stops
 * until they are taken).  Nothing blocks.  ready() is called from the loop,
 * never from within a call on the stream, so there is no re-entrance.
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

/* Takes over a connected descriptor (TCP or Unix), non-blocking from then on;
 * one of TCP should send at once (TCP_NODELAY), because a stream gathers by
 * itself.  ready() may be changed later with stream_on_ready(). */
struct stream *stream_new(
    struct loop *l, int fd, void (*ready)(void *ctx), void *ctx);
void stream_on_ready(struct stream *s, void (*ready)(void *ctx), void *ctx);
/* Closes at once; unsent bytes are lost.  No callback comes after it. */
void stream_free(struct stream *s);
/* Sends what is unsent (and close_notify), waits for the peer to close, closes
 * and frees.  Bytes of the peer are dropped meanwhile; it gives up after
 * linger_ms or 64 KiB of them.  The caller must not use s again; no callback
 * comes, and the TLS context is not used any more. */
void stream_finish(struct stream *s, int64_t linger_ms);
/* The peer has said in its protocol that it sends no more: stream_finish() need
 * not wait for its end. */
void stream_said_bye(struct stream *s);

/* Bytes from the peer: borrowed, from the next call on s they are invalid
 * unless stream_used() said fewer. */
size_t stream_peek(struct stream *s, const void **ret_p);
void stream_used(struct stream *s, size_t n);
/* The peer closed and everything was read; under TLS a missing close_notify is
 * still an end, not an error (R71). */
bool stream_at_eof(const struct stream *s);

/* Bytes for the peer: how many will be accepted, and accepting them.  Takes up
 * to room; what the kernel does not take at once waits inside.  Bytes written
 * in one crank leave together: the flush happens when the driver returns to the
 * loop, or here. */
size_t stream_room(const struct stream *s);
size_t stream_write(struct stream *s, const void *p, size_t n);
void stream_flush(struct stream *s);
/* Bytes of what was taken, as they are on the wire, that the kernel does not
 * have; once the stream is broken also those that it never got. */
size_t stream_unsent(const struct stream *s);

/* Non-NULL once it is broken: reset, TLS failure.  One sentence. */
const struct err *stream_error(const struct stream *s);

/* Wraps the stream in TLS from the next byte on.  Unread clear bytes must not
 * be there (R5): -1 and ERR_TLS then.  As a client, name is verified; NULL for
 * a server.  ready() comes when it is up or failed. */
int stream_start_tls(
    struct stream *s, struct tls_ctx *ctx, const char *name, struct err *err);
bool stream_tls_is_up(const struct stream *s);
struct tls_pipe *stream_tls(struct stream *s); /* NULL in clear */

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
