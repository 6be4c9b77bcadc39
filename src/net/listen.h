/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listen.h - a listening socket on the loop: TCP, Unix, or handed over by the
 * service manager.
 *
 * The last descriptors of the process, a quarter of its limit and at most 64,
 * are not used for clients.  Before they are touched, and on EMFILE, ENFILE or
 * ENOMEM, accepting pauses for a moment instead of spinning, and new clients
 * wait in the kernel's queue (R52).
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct listener;

/* fd is a bound, listening descriptor and is taken over.  accepted() gets each
 * new connection's descriptor, which sends at once (TCP_NODELAY), and owns
 * it. */
int listener_new(struct loop *l, int fd, void (*accepted)(void *ctx, int fd),
    void *ctx, struct listener **ret, struct err *err);
/* This listener may use them: its clients are few and matter most. */
void listener_use_reserve(struct listener *li);
void listener_pause(struct listener *li, bool is_paused);
void listener_free(struct listener *li); /* closes; does not unlink */

/* Binding is separate from the loop, because it happens as root before the
 * privileges are given up.  Each returns a descriptor or -1.  The sentence
 * says who holds the port if it is in use (ERR_BUSY), and what to do; err->os
 * tells EADDRNOTAVAIL and EAFNOSUPPORT, the address this machine lacks.
 * host is an address literal.  A socket of IPv6 takes no IPv4. */
int listen_tcp(const char *host, int port, struct err *err);
/* The port it is bound to, also when the kernel chose it (port 0). */
int listen_port(int fd);
/* Replaces a stale socket, refuses one that answers (ERR_BUSY). */
int listen_unix(const char *path, unsigned mode, struct err *err);

/* sd_listen_fds(3): how many descriptors from 3 on were handed over, 0: none.
 * Each is made close-on-exec and is known to be a listening stream socket. */
int listen_inherited(struct err *err);
/* Tells the service manager "READY=1", "STOPPING=1", ...; no-op without
 * NOTIFY_SOCKET. */
void listen_notify(const char *state);
/* How often "WATCHDOG=1" is to be told, twice as often as is asked for; 0: the
 * service manager wants none from this process. */
int64_t listen_watchdog_ms(void);

#endif
