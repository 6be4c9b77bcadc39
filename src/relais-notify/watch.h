/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch.h - what of the daemon's answers a person should be told, once.
 *
 * It is given what the daemon says now, and compares that with before.  At the
 * first time the messages that have failed already are known and not told; an
 * account that needs a person is.  No I/O.
 */
#ifndef RELAIS_NOTIFY_WATCH_H
#define RELAIS_NOTIFY_WATCH_H

#include <stdbool.h>

#include <jansson.h>

struct watch;

enum {
	WATCH_LISTED = 50, /* messages that are asked for */
	WATCH_TOLD = 3 /* one by one; more at once are a number */
};

/* key names the matter: what is told of it later takes the place of what was
 * told before.  body NULL: the matter is over.  All borrowed. */
typedef void watch_tell(
    void *ctx, const char *key, const char *title, const char *body);

struct watch *watch_new(watch_tell *tell, void *ctx);
void watch_free(struct watch *w);

/* The result of "status".  True: the messages are to be asked for and given to
 * watch_messages(). */
bool watch_status(struct watch *w, const json_t *status);

/* An array of the newest WATCH_LISTED messages that are held or have failed. */
void watch_messages(struct watch *w, const json_t *messages);

#endif
