/* SPDX-License-Identifier: GPL-3.0-or-later */
/* server.h - the HTTP server: decides who may request, and which page.
 *
 * A page is drawn for the user at the other end of the connection, as the
 * kernel reports it (net/peer.h).  Only GET is served, and only under a name of
 * the loopback interface: a foreign page whose name leads to 127.0.0.1 (DNS
 * rebinding) sends that name.  Pages load nothing from elsewhere, and tell the
 * browser so.
 *
 * The user alone does not prove that a person requests a page: a page elsewhere
 * can make the person's browser request it.  Browsers say where a request comes
 * from (Sec-Fetch-Site): requests from one of these pages, from the person, or
 * from a link that was followed are served; all others are refused.  A client
 * that does not say, like curl or a text browser, is served as its user.
 *
 * Each connection has a thread of its own, because a page waits for the daemon.
 */
#ifndef RELAIS_WEB_SERVER_H
#define RELAIS_WEB_SERVER_H

#include <stddef.h>

#include "base/err.h"

struct asker;
struct server;

enum {
	SERVER_CONNECTIONS_MAX = 64,
	SERVER_CONNECTIONS_PER_UID = 24, /* so that no user shuts others out */
	SERVER_CONNECTIONS_TOLD = 8 /* this many more are told why */
};

/* Takes over fds, which are listening.  asker is borrowed. */
int server_new(const int *fds, size_t n, struct asker *asker,
    struct server **ret, struct err *err);
/* Accepts no new connections. */
void server_quiesce(struct server *s);
size_t server_connections(struct server *s);
void server_free(struct server *s);

#endif
