/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer.h - finds the local user at the other end of a socket.
 *
 * Unix sockets: SO_PEERCRED.  TCP between two addresses of this machine: the
 * kernel's socket diagnostics (sock_diag(7)), asked for the client's end of
 * exactly this connection.  Needs no privilege.  Does not block: the kernel
 * answers within the call.
 *
 * The answer is the user who made the socket, not the one who writes to it now.
 * The user of a client that has already closed its socket cannot be found any
 * more, so ask when the connection comes in.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdint.h>
#include <sys/socket.h>

/* What is kept from one question to the next; begins as { .fd = -1 }. */
struct peer_diag {
	int fd; /* netlink socket, -1: not open; closed by its owner */
	uint32_t seq; /* of the newest question there */
};

#ifndef UID_UNKNOWN
#define UID_UNKNOWN UINT32_MAX
#define UID_HIDDEN  (UINT32_MAX - 1)
#endif

/* UID_UNKNOWN: the client is on another machine.  UID_HIDDEN: it is or may be
 * on this one, and the kernel does not say whose it is, or that it is of
 * somebody whom our user namespace hides (sys/userns.h).  peer is what
 * getpeername(2) said of fd, NULL if it was not asked, and of no family if it
 * failed. */
uint32_t peer_uid(
    struct peer_diag *d, int fd, const struct sockaddr_storage *peer);

#endif
