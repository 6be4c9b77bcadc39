/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64.h - strict base64 (RFC 4648 section 4), as RFC 4954 section 4 requires
 * (R22).
 *
 * No line breaks, no foreign characters, "=" only at the end, and the unused
 * bits of the last character are zero.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* Both append.  False: the input is malformed or the buffer is full; then
 * nothing is appended. */
bool base64_encode(struct buf *to, struct bytes from) MUST_CHECK;
bool base64_decode(struct buf *to, struct bytes from) MUST_CHECK;

#endif
