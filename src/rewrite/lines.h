/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - folds header fields with lines longer than RFC 5322 2.1.1
 * allows.
 *
 * Such a field is folded again at its blanks.  Text that is too long for any
 * line:
 *
 *	text		a long word becomes encoded words (RFC 2047), which show
 *			what was there
 *	fields with a	folded where their grammar has room for a blank: behind
 *	grammar		"," and ";", between "<a><b>", in the URLs of List-
 *			fields (RFC 2369 2), in the b= of a signature (RFC 6376
 *			3.5)
 *
 * A field with a grammar that still has such a word is moved, as text, to
 * X-Original-NAME, because a split word would mean something else; of a list
 * the other members stay.  Other fields stay byte for byte.
 */
#ifndef REWRITE_LINES_H
#define REWRITE_LINES_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/header.h"

enum { LINES_MAX = 998 }; /* octets, without CRLF */

/* Folds all such fields.  False: the header has no room. */
bool lines_fold(struct header *h) MUST_CHECK;
/* True: lines_fold() would do more than fold at blanks. */
bool lines_has_long_word(const struct header *h);

#endif
