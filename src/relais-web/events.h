/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events.h - tells a page that there is something new (server-sent events).
 *
 * A page that is open asks for nothing: it hears "change" when the state of an
 * account or the number of messages is another, and then fetches itself.
 */
#ifndef RELAIS_WEB_EVENTS_H
#define RELAIS_WEB_EVENTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct asker;
struct events;

/* fd is the browser's end and is only watched, so that a browser that has left
 * the page leaves no connection behind.  *is_ending: give up; looked at twice a
 * second. */
struct events *events_new(
    struct asker *a, uint32_t uid, int fd, const atomic_bool *is_ending);
void events_free(struct events *e);

/* Waits for news and writes it; 0: the end. */
size_t events_next(struct events *e, char *to, size_t max) MUST_CHECK;

#endif
