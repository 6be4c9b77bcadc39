/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sockets.h - the submission sockets: who holds them, and who serves them.
 *
 * They come from the service manager if it passed some (sd_listen_fds), else
 * from the configuration.  They are bound before root is given up and served
 * afterwards, so that nothing is read while the process is still root.  What a
 * reload adds is bound by the daemon's user.
 */
#ifndef RELAISD_SOCKETS_H
#define RELAISD_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct conf;
struct conf_listen;
struct inbound;

/* A value; all zero: none yet. */
struct sockets {
	struct socket_opened {
		int fd;
		size_t listen; /* of the configuration that was opened last */
		struct conf_listen *place; /* a copy; NULL: it was passed */
		bool is_gone; /* from the configuration */
	} * opened;
	size_t nopened;
	int ninherited;
	bool has_started;
};

/* Opens what is new in conf.  -1: nothing has changed; one that is not optional
 * cannot be had. */
int sockets_open(struct sockets *s, const struct conf *conf, struct err *err);
/* Closes what is gone; until then there is a way back to the conf before. */
void sockets_settle(struct sockets *s);
/* A copy of the n-th, for the caller to close, and which listener it is; -1:
 * there is none, or errno says why not. */
int sockets_copy(const struct sockets *s, size_t n, size_t *ret_listen);
void sockets_clear(struct sockets *s); /* closes them */

/* Takes over fd; borrows l for as long as inbound listens there. */
int sockets_serve(
    int fd, const struct conf_listen *l, struct inbound *in, struct err *err);

#endif
