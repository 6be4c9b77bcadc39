/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guard.h - checks an envelope from the drop folder: could a client have given
 * it over SMTP?
 *
 * Every user can write such a file.  So the envelope is written as SMTP
 * commands and read by the server's parser: the limits are the same, and no
 * text can become a command (R8).  The number of recipients and the size were
 * checked before (store/drop.h).
 *
 * Pure.
 */
#ifndef INBOUND_GUARD_H
#define INBOUND_GUARD_H

#include "base/must.h"
#include "mail/envelope.h"

/* NULL: the envelope is acceptable; else why not, static text. */
const char *guard_refuses(const struct envelope *e) MUST_CHECK;

#endif
