/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.h - removes empty address fields and repairs forms that servers
 * refuse.
 *
 *	empty		To, Cc, Reply-To and the like with nothing in them but
 *			blanks, comments, commas and "<>" are removed: RFC 5322
 *			3.6 wants an address there
 *	half encoded	encoded words with bytes over 127 inside (RFC 2047 2)
 *	encoded whole	an address in an encoded word, as in
 *			=?utf-8?q?J=C3=B6rg_<j@x.example>?=: decoded, and the
 *			name encoded again (RFC 2047 5: an address must not
 *			be)
 *
 * Pure.  False: the header has no room.
 */
#ifndef REWRITE_FIELDS_H
#define REWRITE_FIELDS_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/header.h"

/* Each repairs one of these forms.  What was guessed is added to *notes
 * (rewrite/notes.h). */
void fields_remove_empty(struct header *h, unsigned *notes);
bool fields_mend_words(struct header *h, unsigned *notes) MUST_CHECK;
bool fields_decode_addresses(struct header *h, unsigned *notes) MUST_CHECK;

#endif
