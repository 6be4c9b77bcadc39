/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sockets.h - the submission sockets, bound before root is given up.
 *
 * They come from the service manager if it passed some (sd_listen_fds), else
 * from the configuration.  They are bound first and served later, so that
 * nothing is read while the process is still root.
 */
#ifndef RELAISD_SOCKETS_H
#define RELAISD_SOCKETS_H

#include <stddef.h>

#include "base/err.h"

struct conf;
struct inbound;

/* A value; all zero: none. */
struct sockets {
	struct socket_opened {
		int fd;
		size_t listen; /* of the configuration */
	} * opened;
	size_t nopened;
};

/* -1: one that is not optional cannot be had. */
int sockets_open(struct sockets *s, const struct conf *conf, struct err *err);
/* Gives all of them to inbound, which owns the descriptors from then on.  Borrows
 * conf, whose listeners are those of sockets_open(), while they are served. */
int sockets_serve(const struct sockets *s, const struct conf *conf,
    struct inbound *in, struct err *err);
void sockets_clear(struct sockets *s);

#endif
