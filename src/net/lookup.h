/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lookup.h - finds the addresses of a host, with the system resolver on a
 * worker thread.  An address literal, with or without brackets, needs no worker
 * thread.  A process that may not ask the resolver gives its loop another way.
 *
 * Nothing blocks on the loop.  A look-up has no time limit: its owner calls
 * lookup_forget() when time is up.  The result is reported once, never from
 * within lookup_new(), and then the look-up is freed.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

struct loop;
struct lookup;

enum { LOOKUP_MAX = 32 }; /* addresses beyond that are left out */

/* How a name is looked up.  Blocks; runs on a worker thread. */
struct lookup_answer {
	int rc; /* the result of getaddrinfo(3) */
	int os; /* errno, if rc is EAI_SYSTEM */
	size_t n; /* rc 0: at least one */
	struct sockaddr_storage addrs[LOOKUP_MAX]; /* without the port */
};
typedef void lookup_way(void *ctx, const char *host, struct lookup_answer *ret);
lookup_way lookup_system; /* the default; ctx is not used */
void lookup_by(struct loop *l, lookup_way *way, void *ctx);

/* Borrowed during the call. */
struct lookup_result {
	const struct sockaddr_storage *addrs; /* IPv4 and IPv6, with the port */
	size_t n; /* 0: none, and then: */
	bool is_unknown; /* the name servers say that the name does not exist */
	struct err err; /* one sentence */
};

/* host is copied. */
struct lookup *lookup_new(struct loop *l, const char *host, int port,
    void (*told)(void *ctx, const struct lookup_result *r), void *ctx);
/* told() will not be called; NULL is allowed */
void lookup_forget(struct lookup *q);

/* The sentence for a look-up that takes too long. */
void lookup_timed_out(const char *host, struct err *ret);
/* Sets the port of an IPv4 or IPv6 address. */
void lookup_set_port(struct sockaddr_storage *to, int port);
/* "[::1]" -> "::1"; the caller frees. */
char *lookup_without_brackets(const char *host);

#endif
