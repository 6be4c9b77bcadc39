/* SPDX-License-Identifier: GPL-3.0-or-later */
/* race.h - connects to several addresses of one host; the first connection wins
 * (RFC 8305 section 5).
 *
 * The families alternate, beginning with that of the first address unless that
 * family lost a race within the last hour.  A new attempt starts every 250 ms,
 * or as soon as one has failed.  Nothing blocks.  A race has no time limit: its
 * owner frees it when time is up.
 */
#ifndef NET_RACE_H
#define NET_RACE_H

#include <stddef.h>
#include <sys/socket.h>

struct loop;
struct race;

enum { RACE_MAX = 16 }; /* addresses beyond that are not tried */

/* Called once, from the loop.  fd: the connected, non-blocking descriptor,
 * owned by the callee; or -1, and os is the most telling errno (a refusal
 * before an unreachable network). */
typedef void race_told(void *ctx, int fd, int os);

/* addrs is copied; n > 0. */
struct race *race_new(struct loop *l, const struct sockaddr_storage *addrs,
    size_t n, race_told *told, void *ctx);
/* Gives up the attempts in progress.  told() is not called any more. */
void race_free(struct race *r);

#endif
