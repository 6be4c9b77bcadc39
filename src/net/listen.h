/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listen.h - a listening socket on the loop: TCP, Unix, or passed by the
 * service manager.
 *
 * The last descriptors of the process (a quarter of its limit, at most 64) are
 * reserved and not used for clients.  When only the reserve is left, and on
 * EMFILE, ENFILE or ENOMEM, accepting pauses for a moment instead of spinning,
 * and new clients wait in the kernel's queue (R52).
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct listener;

/* Takes over fd, a bound, listening descriptor.  accepted() gets the descriptor
 * of each new connection and owns it; a TCP connection has TCP_NODELAY. */
int listener_new(struct loop *l, int fd, void (*accepted)(void *ctx, int fd),
    void *ctx, struct listener **ret, struct err *err);
/* This listener may use the reserve, because its clients are few and
 * important. */
void listener_use_reserve(struct listener *li);
void listener_pause(struct listener *li, bool is_paused);
void listener_free(struct listener *li); /* closes; does not unlink */

/* Binding is separate from the loop, because it is done as root before
 * privileges are dropped.  Each function returns a descriptor or -1.  If the
 * port is in use (ERR_BUSY), the sentence says by whom and what to do; err->os
 * is EADDRNOTAVAIL or EAFNOSUPPORT if this machine lacks the address.  host is
 * an address literal.  An IPv6 socket does not accept IPv4. */
int listen_tcp(const char *host, int port, struct err *err);
/* The port that fd is bound to, also if the kernel chose it (port 0). */
int listen_port(int fd);
/* Replaces a stale socket; fails if a process answers on it (ERR_BUSY). */
int listen_unix(const char *path, unsigned mode, struct err *err);

/* The number of descriptors, from 3 on, that the service manager passed
 * (sd_listen_fds(3)).  Each is made close-on-exec and checked to be a listening
 * stream socket.  -1: one is not. */
int listen_inherited(struct err *err);
/* Sends "READY=1", "STOPPING=1" or the like to the service manager.  Does
 * nothing without NOTIFY_SOCKET. */
void listen_notify(const char *state);
/* How often to send "WATCHDOG=1": twice as often as required; 0: the service
 * manager wants none from this process. */
int64_t listen_watchdog_ms(void);

#endif
