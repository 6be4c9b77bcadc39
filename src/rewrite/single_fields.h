/* SPDX-License-Identifier: GPL-3.0-or-later */
/* single_fields.h - merges or removes repeated fields that may occur only once
 * (RFC 5322 3.6, RFC 2045 3).
 *
 * Google, IONOS and others refuse a message with two of them, and programs that
 * put one header on top of another create them often (two To from PHP's
 * mail()).  To, Cc and Reply-To become one field with all addresses; of the
 * others the first non-empty one stays.  Resent- fields may repeat; Date and
 * Message-ID are left to rewrite/missing_fields.h.
 *
 * Pure; done on the way in.
 */
#ifndef REWRITE_SINGLE_FIELDS_H
#define REWRITE_SINGLE_FIELDS_H

#include "mail/header.h"

struct locals_opts;

/* Merges or removes all such fields.  o, for names with a comma, and *notes are
 * as in rewrite/locals.h, which has its turn afterwards; NULL: there are none.
 */
void single_fields_repair(
    struct header *h, const struct locals_opts *o, unsigned *notes);

#endif
