/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content_type.h - parses Content-Type and Content-Transfer-Encoding (RFC 2045
 * 5.1 and 6.1).
 *
 *	content   = type "/" subtype *(";" attribute "=" value)
 *	mechanism = "7bit" / "8bit" / "binary" / "quoted-printable" / "base64"
 *
 * Wrong but clear spellings of the first three ("8-bit", "8 bits") are
 * understood.  Comments and folding are skipped.  A missing or unreadable type
 * is text/plain (RFC 2045 5.2), a missing boundary is empty, and an unknown
 * encoding is OTHER.
 */
#ifndef MIME_CONTENT_TYPE_H
#define MIME_CONTENT_TYPE_H

#include "base/buf.h"

enum { BOUNDARY_MAX = 250 }; /* 70 in RFC 2046 5.1.1, and readers take more */

struct content_type {
	char type[32], subtype[64]; /* lower case */
	char boundary[BOUNDARY_MAX + 1]; /* "" if absent, too long, not ASCII */
	char charset[32]; /* "" if absent or too long */
};

/* value: the body of the field, folded or not; empty: there is none. */
void content_type_parse(struct content_type *ret, struct bytes value);

enum content_encoding {
	CONTENT_7BIT = 0, /* also if nothing is said */
	CONTENT_8BIT,
	CONTENT_BINARY,
	CONTENT_QP,
	CONTENT_BASE64,
	CONTENT_OTHER
};
enum content_encoding content_encoding_parse(struct bytes value);

#endif
