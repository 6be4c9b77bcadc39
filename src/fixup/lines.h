/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - header fields with lines longer than RFC 5322 2.1.1 allows.
 *
 * Such a field is folded anew at its blanks; a word that no line can hold gets
 * blanks inside, which changes it, but the other choice is that the provider
 * refuses the whole message.  Other fields stay byte for byte.
 */
#ifndef FIXUP_LINES_H
#define FIXUP_LINES_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/header.h"

enum { LINES_MAX = 998 }; /* octets, without CRLF */

/* False: the header has no room. */
bool lines_fold(struct header *h) MUST_CHECK;

#endif
