/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bubble.h - desktop notifications, org.freedesktop.Notifications over D-Bus.
 *
 * A desktop without them, or a session bus that is away, loses nothing: what is
 * to be shown waits, up to BUBBLE_WAITING_MAX of it, and why is told once.
 */
#ifndef RELAIS_NOTIFY_BUBBLE_H
#define RELAIS_NOTIFY_BUBBLE_H

#include "base/err.h"

enum { BUBBLE_WAITING_MAX = 20 };

struct bubbles;

struct bubbles *bubbles_new(void);
void bubbles_free(struct bubbles *b);

/* Takes the place of what is shown under this key; body NULL: takes that away.
 * Foreign text is fine: no markup in it is understood. */
void bubbles_show(
    struct bubbles *b, const char *key, const char *title, const char *body);

/* Shows what waits.  -1: the desktop is away, try later. */
int bubbles_flush(struct bubbles *b, struct err *err);

#endif
