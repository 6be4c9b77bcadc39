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
struct conf_listen;
struct inbound;

/* A value; all zero: none. */
struct sockets {
	struct socket_opened {
		int fd;
		const struct conf_listen *conf;
	} * opened;
	size_t nopened;
};

/* Borrows conf for as long as the sockets are served.  -1: one that is not
 * optional cannot be had. */
int sockets_open(struct sockets *s, const struct conf *conf, struct err *err);
/* Gives all of them to inbound, which owns the descriptors from then on. */
int sockets_serve(const struct sockets *s, struct inbound *in, struct err *err);
void sockets_clear(struct sockets *s);

#endif
