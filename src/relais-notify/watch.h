/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch.h - decides which of the daemon's answers a person should be told,
 * once.
 *
 * Each answer is compared with the one before.  In the first answer, messages
 * that have failed already are not reported, but an account that needs a person
 * is.  No I/O.
 */
#ifndef RELAIS_NOTIFY_WATCH_H
#define RELAIS_NOTIFY_WATCH_H

#include <stdbool.h>

#include <jansson.h>

struct watch;

enum {
	WATCH_LISTED = 50, /* messages that are requested */
	/* reported one by one; if there are more, their number */
	WATCH_TOLD = 3
};

/* key names the subject; a later report with the same key replaces this one.
 * body NULL: the problem is over.  Borrowed. */
typedef void watch_tell(
    void *ctx, const char *key, const char *title, const char *body);

struct watch *watch_new(watch_tell *tell, void *ctx);
void watch_free(struct watch *w);

/* Takes the result of "status".  True: the messages must be requested and given
 * to watch_messages(). */
bool watch_status(struct watch *w, const json_t *status);

/* Takes an array of the newest WATCH_LISTED messages that are held or have
 * failed. */
void watch_messages(struct watch *w, const json_t *messages);

#endif
