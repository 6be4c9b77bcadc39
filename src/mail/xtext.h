/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xtext.h - the coding of ENVID and ORCPT (RFC 3461 4):
 *
 *	xtext   = *( xchar / hexchar )
 *	xchar   = any of "!" to "~" but "+" and "="
 *	hexchar = "+" two hexadecimal digits, A to F in capitals
 */
#ifndef MAIL_XTEXT_H
#define MAIL_XTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* Appends from, encoded.  False: the buffer is full, and nothing was
 * appended. */
bool xtext_encode(struct buf *to, struct bytes from) MUST_CHECK;

/* Appends the decoded text.  False: malformed, or has a control character,
 * which could be obeyed by a reader (R8), or the buffer is full; nothing was
 * appended. */
bool xtext_decode(struct buf *to, struct bytes from) MUST_CHECK;

/* True: b is not empty and xtext_decode() understands it. */
bool xtext_is_valid(struct bytes b);

#endif
