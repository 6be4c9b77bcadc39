/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dial.h - opens a TCP connection to one host and port, by its fastest address.
 *
 * The name is looked up by the system resolver on a worker thread, again for
 * each connection (R54); the addresses are raced as in RFC 8305: families
 * alternate, a new attempt every 250 ms, the first to connect wins, the family
 * that lost is tried last for an hour.  The winner has TCP_NODELAY and
 * TCP_USER_TIMEOUT.
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
	DIAL_LOOKUP, /* no address for the name, or the resolver is away */
	DIAL_REFUSED, /* somebody answered no */
	DIAL_SILENT, /* nobody answered in time: filtered */
	DIAL_UNREACHABLE, /* no route, network down */
	DIAL_OTHER
};

struct dial_result {
	enum dial_fault fault;
	struct stream *stream; /* DIAL_OK: the callee owns it */
	struct err err; /* else: one sentence */
};

/* host and port are copied.  timeout_ms covers everything. */
struct dial *dial_new(struct loop *l, const char *host, int port,
    int64_t timeout_ms, void (*told)(void *ctx, const struct dial_result *r),
    void *ctx);
/* The same with addresses that are known, n > 0 of them, port included; host is
 * for sentences.  Copied. */
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
