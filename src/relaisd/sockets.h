/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sockets.h - the submission sockets: which process has them, and which serves
 * them.
 *
 * They come from the service manager if it passed some (sd_listen_fds), else
 * from the configuration.  They are bound before root privileges are dropped
 * and served afterwards, so that nothing is read while the process is root.
 * Sockets that a reload adds are bound by the daemon's user.
 */
#ifndef RELAISD_SOCKETS_H
#define RELAISD_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct conf;
struct conf_listen;
struct inbound;

/* A value; all zero: no sockets. */
struct sockets {
	struct socket_opened {
		int fd;
		/* index in the configuration that was opened last */
		size_t listen;
		/* a copy; NULL: the service manager passed it */
		struct conf_listen *place;
		bool is_gone; /* no longer in the configuration */
	} * opened;
	size_t nopened;
	int ninherited;
	bool has_started;
};

/* Opens the sockets that are new in conf.  -1: a socket that is not optional
 * cannot be opened, and nothing has changed. */
int sockets_open(struct sockets *s, const struct conf *conf, struct err *err);
/* Closes sockets that conf no longer has.  Until then the previous
 * configuration can be restored. */
void sockets_settle(struct sockets *s);
/* A duplicate of the n-th socket, for the caller to close, and its listener's
 * index.  -1: there is none, or errno says why not. */
int sockets_copy(const struct sockets *s, size_t n, size_t *ret_listen);
void sockets_clear(struct sockets *s); /* closes all sockets */

/* Has inbound serve a socket.  Takes over fd; borrows l while inbound listens
 * on it. */
int sockets_serve(
    int fd, const struct conf_listen *l, struct inbound *in, struct err *err);

#endif
