/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events.h - tells an open page that something has changed (server-sent
 * events).
 *
 * An open page requests nothing: it gets "change" when the state of an account
 * or the number of messages has changed, and then fetches itself.
 */
#ifndef RELAIS_WEB_EVENTS_H
#define RELAIS_WEB_EVENTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct asker;
struct events;

/* fd is the browser's connection, and is only watched, so that a browser that
 * has left the page leaves no connection behind.  *is_ending: give up; checked
 * twice a second. */
struct events *events_new(
    struct asker *a, uint32_t uid, int fd, const atomic_bool *is_ending);
void events_free(struct events *e);

/* Waits for a change and writes it.  0: the end.  Blocks. */
size_t events_next(struct events *e, char *to, size_t max) MUST_CHECK;

#endif
