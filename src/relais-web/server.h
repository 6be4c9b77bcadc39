/* SPDX-License-Identifier: GPL-3.0-or-later */
/* server.h - the HTTP server: who may ask, and which page it is.
 *
 * A page is drawn for the user at the other end of the connection, of whom the
 * kernel tells (net/peer.h).  Only GET is served, and only under a name of the
 * loopback interface: a page of a stranger whose name leads to 127.0.0.1 (DNS
 * rebinding) sends that name.  Nothing on a page comes from elsewhere, and the
 * browser is told so.
 *
 * The user alone does not say that a person asks: a page elsewhere can have the
 * person's browser ask.  Browsers say where a request comes from
 * (Sec-Fetch-Site): from one of these pages, from the person, or from a link
 * that was followed; everything else is refused.  What says nothing, like curl
 * or a text browser, is served as its user.
 *
 * One thread for each connection: a page waits for the daemon.
 */
#ifndef RELAIS_WEB_SERVER_H
#define RELAIS_WEB_SERVER_H

#include <stddef.h>

#include "base/err.h"

struct asker;
struct server;

enum {
	SERVER_CONNECTIONS_MAX = 64,
	SERVER_CONNECTIONS_PER_UID = 24, /* so that no user keeps others out */
	SERVER_CONNECTIONS_TOLD = 8 /* so many more hear why */
};

/* The descriptors listen, and are taken over.  asker is borrowed. */
int server_new(const int *fds, size_t n, struct asker *asker,
    struct server **ret, struct err *err);
/* Takes no new connections. */
void server_quiesce(struct server *s);
size_t server_connections(struct server *s);
void server_free(struct server *s);

#endif
