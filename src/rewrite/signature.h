/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signature.h - removes DKIM signatures that no longer hold (RFC 6376).
 *
 * A signature over a field that was changed, added or taken out since the
 * header was read no longer holds and would only suggest a forgery, so it is
 * removed.  From counts as signed whatever the signature says (RFC 6376 5.4).
 * Changes of the body are not considered.
 *
 * Pure; linear in the size of the header.
 */
#ifndef REWRITE_SIGNATURE_H
#define REWRITE_SIGNATURE_H

#include <stdbool.h>

#include "mail/header.h"

/* True: a signature was removed. */
bool signature_remove_stale(struct header *h);

#endif
