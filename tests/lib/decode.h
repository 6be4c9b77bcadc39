/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decode.h - transfer encodings taken off again, and what a wire may carry. */
#ifndef TESTS_LIB_DECODE_H
#define TESTS_LIB_DECODE_H

#include <string.h>

#include "base/base64.h"
#include "base/buf.h"

/* The longest line without its CRLF. */
static inline size_t
decode_longest(struct bytes b)
{
	size_t line = 0, longest = 0;

	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\r' && i + 1 < b.n && b.p[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		if (++line > longest)
			longest = line;
	}
	return longest;
}

/* No NUL, no CR or LF but in pairs; and no byte over 127. */
static inline bool
decode_is_clean(struct bytes b, bool is_ascii)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\r' && i + 1 < b.n && b.p[i + 1] == '\n')
			i++;
		else if (b.p[i] == '\0' || b.p[i] == '\r' || b.p[i] == '\n' ||
			 (is_ascii && (unsigned char)b.p[i] >= 0x80))
			return false;
	}
	return true;
}

static inline int
decode_hex(char c)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(hex, c) : NULL;

	return at != NULL ? (int)(at - hex) : -1;
}

static inline void
decode_qp(struct bytes b, struct buf *to)
{
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (c == '=' && i + 2 < b.n && b.p[i + 1] == '\r' &&
		    b.p[i + 2] == '\n') {
			i += 2;
			continue;
		}
		if (c == '=') {
			assert_true(i + 2 < b.n);
			assert_true(decode_hex(b.p[i + 1]) >= 0);
			assert_true(decode_hex(b.p[i + 2]) >= 0);
			c = (char)(decode_hex(b.p[i + 1]) * 16 +
				   decode_hex(b.p[i + 2]));
			i += 2;
		}
		assert_true(buf_addc(to, c));
	}
}

static inline void
decode_base64(struct bytes b, struct buf *to)
{
	struct buf text;

	buf_init(&text, 1 << 24);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != '\r' && b.p[i] != '\n')
			assert_true(buf_addc(&text, b.p[i]));
	assert_true(base64_decode(to, buf_bytes(&text)));
	buf_clear(&text);
}

#endif
