/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guard.h - is an envelope from the drop folder one that a client could have
 * given over SMTP?
 *
 * Anybody can write such a file.  So the envelope is written as the commands
 * that it stands for and read by the parser of the server: the limits are the
 * very same, and nothing can mean more than itself (R8).  The number of
 * recipients and the size are checked before (store/drop.h).
 *
 * Pure.
 */
#ifndef INBOUND_GUARD_H
#define INBOUND_GUARD_H

#include "base/must.h"
#include "mail/envelope.h"

/* NULL: it is; else why not, static text. */
const char *guard_refuses(const struct envelope *e) MUST_CHECK;

#endif
