/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dial.h - opens a TCP connection to a host and port by its fastest address.
 *
 * A worker thread looks up the name with the system resolver, again for each
 * connection (R54).  The addresses are raced as in RFC 8305: families
 * alternate, a new attempt starts every 250 ms, the first to connect wins, and
 * the family that lost is tried last for an hour.  The winner has TCP_NODELAY
 * and TCP_USER_TIMEOUT.
 *
 * Nothing blocks.  The result is reported once, never from within dial_new().
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct dial;
struct loop;
struct stream;

/* Why it failed, for the record of filtered ports. */
enum dial_fault {
	DIAL_OK = 0,
	DIAL_LOOKUP, /* no address for the name, or no resolver answers */
	DIAL_REFUSED, /* the connection was refused */
	DIAL_SILENT, /* no answer in time: filtered */
	DIAL_UNREACHABLE, /* no route, network down */
	DIAL_OTHER
};

struct dial_result {
	enum dial_fault fault;
	struct stream *stream; /* DIAL_OK: the callee owns it */
	struct err err; /* else: one sentence */
};

/* host is copied.  timeout_ms covers look-up and connecting. */
struct dial *dial_new(struct loop *l, const char *host, int port,
    int64_t timeout_ms, void (*told)(void *ctx, const struct dial_result *r),
    void *ctx);
/* The same with n > 0 known addresses, which include the port; host is used in
 * sentences only.  Copied. */
struct dial_target {
	const char *host;
	int port;
	const struct sockaddr_storage *addrs;
	size_t n;
};
struct dial *dial_new_to(struct loop *l, const struct dial_target *to,
    int64_t timeout_ms, void (*told)(void *ctx, const struct dial_result *r),
    void *ctx);
void dial_free(struct dial *d); /* gives up; no callback comes */

#endif
