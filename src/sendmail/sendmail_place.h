/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_place.h - the places where sendmail(8) can submit a message, in
 * order.
 *
 * By default: the socket of the caller's own daemon, the machine's socket, and
 * localhost:25.  A socket that exists but is not answered (the daemon restarts)
 * is tried again for a short while.  RELAIS_SOCKET (a path) or RELAIS_SMTP
 * (host:port) in the environment name one place, and then there is no other: a
 * caller who asks for a certain daemon does not want the message to go
 * elsewhere.
 *
 * Blocks.
 */
#ifndef SENDMAIL_SENDMAIL_PLACE_H
#define SENDMAIL_SENDMAIL_PLACE_H

#include <stdbool.h>

#include "base/err.h"

struct places;

struct places *places_new(void);
void places_free(struct places *p);

/* The next place that accepts a connection: a descriptor for the caller to
 * close.  -1: no place is left; err says what was wrong with the last one. */
int places_next(struct places *p, struct err *err);
/* The name of the newest connection, for people. */
const char *places_name(const struct places *p);
/* True: the newest connection leads to the caller's own daemon
 * (sys/own_daemon.h). */
bool places_is_own(const struct places *p);

/* The drop folder that belongs to these places: RELAIS_DROP, or the machine's
 * unless the environment named a place.  NULL: none. */
const char *places_drop(const struct places *p);

#endif
