/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bubble.h - shows desktop notifications (org.freedesktop.Notifications over
 * D-Bus).
 *
 * If the desktop has no notifications, or the session bus is missing, up to
 * BUBBLE_WAITING_MAX of them wait, and the reason is logged once.
 */
#ifndef RELAIS_NOTIFY_BUBBLE_H
#define RELAIS_NOTIFY_BUBBLE_H

#include "base/err.h"

enum { BUBBLE_WAITING_MAX = 20 };

struct bubbles;

struct bubbles *bubbles_new(void);
void bubbles_free(struct bubbles *b);

/* Replaces the notification with this key; body NULL: removes it.  Text may
 * come from anywhere: no markup in it is interpreted. */
void bubbles_show(
    struct bubbles *b, const char *key, const char *title, const char *body);

/* Shows what waits.  -1: the desktop does not answer; try later. */
int bubbles_flush(struct bubbles *b, struct err *err);

#endif
