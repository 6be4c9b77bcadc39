/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eightbit.h - encodes header fields with bytes over 127, for servers without
 * SMTPUTF8 (RFC 6531) and for messages that did not ask for it.
 *
 *	text		encoded words (RFC 2047)
 *	mailboxes	the same for the display name, A-labels for the domain
 *	Content-Type, Content-Disposition: encoded words inside the quotes, as
 *			every mail program understands, though RFC 2231 is
 *			the rule
 *
 * Bytes that are not UTF-8 are read as ISO 8859-1, so that nothing is lost.  A
 * local part has no other form: a field with one stays.
 *
 * Pure.
 */
#ifndef REWRITE_EIGHTBIT_H
#define REWRITE_EIGHTBIT_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/header.h"

/* Encodes all such fields.  keep_utf8: SMTPUTF8 will be used, so fields in
 * UTF-8 stay (RFC 6532) and only other bytes are encoded.  False: the header
 * has no room. */
bool eightbit_header(struct header *h, bool keep_utf8) MUST_CHECK;

/* True: eightbit_header() would change something. */
bool eightbit_must(const struct header *h, bool keep_utf8);

/* True: a field has a byte over 127. */
bool eightbit_has(const struct header *h);

#endif
