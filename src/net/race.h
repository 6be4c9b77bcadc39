/* SPDX-License-Identifier: GPL-3.0-or-later */
/* race.h - connects to several addresses of one host, the first to answer
 * wins (RFC 8305 section 5).
 *
 * The families alternate, beginning with that of the first address unless it
 * lost a race within the last hour; a new attempt starts every 250 ms or as
 * soon as one has failed.  Nothing blocks.  No time limit of its own: the
 * owner frees it when time is up.
 */
#ifndef NET_RACE_H
#define NET_RACE_H

#include <stddef.h>
#include <sys/socket.h>

struct loop;
struct race;

enum { RACE_MAX = 16 }; /* addresses beyond that are not tried */

/* Called once, from the loop.  fd: the winner, connected, non-blocking, owned
 * by the callee; or -1 and os: the errno that says most (a refusal before an
 * unreachable network). */
typedef void race_told(void *ctx, int fd, int os);

/* addrs is copied; n > 0. */
struct race *race_new(struct loop *l, const struct sockaddr_storage *addrs,
    size_t n, race_told *told, void *ctx);
/* Gives up what is under way. */
void race_free(struct race *r);

#endif
