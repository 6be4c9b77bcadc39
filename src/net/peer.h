/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer.h - finds the local user at the other end of a socket.
 *
 * Unix sockets: SO_PEERCRED.  TCP between two addresses of this machine: the
 * kernel's socket diagnostics (sock_diag(7)), queried for the client's end of
 * exactly this connection.  Needs no privilege.  Does not block: the kernel
 * answers within the call.
 *
 * The answer is the user who created the socket, not the one who writes to it
 * now.  After a client has closed its socket its user can no longer be found,
 * so ask when the connection is accepted.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/uid.h"

/* Kept from one query to the next; begins as { .fd = -1 }. */
struct peer_diag {
	int fd; /* netlink socket, -1: not open; closed by its owner */
	uint32_t seq; /* of the newest query */
};

/* The user, or UID_UNKNOWN or UID_HIDDEN of base/uid.h (sys/userns.h knows who
 * is hidden).  peer is the result of getpeername(2) for fd, or NULL; its family
 * is AF_UNSPEC if getpeername(2) failed. */
uint32_t peer_uid(
    struct peer_diag *d, int fd, const struct sockaddr_storage *peer);

#endif
