/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_encode(struct buf *to, struct bytes from)
{
	const unsigned char *p = (const unsigned char *)from.p;
	size_t out = (from.n + 2) / 3 * 4;
	char *q = buf_space(to, out);

	if (q == NULL)
		return false;
	for (size_t i = 0; i < from.n; i += 3, q += 4) {
		size_t left = from.n - i;
		uint32_t v = (uint32_t)p[i] << 16;

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		q[0] = alphabet[v >> 18];
		q[1] = alphabet[v >> 12 & 63];
		q[2] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		q[3] = left > 2 ? alphabet[v & 63] : '=';
	}
	buf_added(to, out);
	return true;
}

/* 0..63, or -1 for a character outside the alphabet. */
static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes one group of four characters; returns its bytes (1 to 3), 0 if it
 * is malformed. */
static size_t
group(const char *p, bool is_last, char out[3])
{
	size_t pad = 0;
	uint32_t v = 0;

	if (is_last && p[3] == '=')
		pad = p[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - pad ? value(p[i]) : 0;

		if (d < 0)
			return 0;
		v = v << 6 | (uint32_t)d;
	}
	if ((pad == 1 && (v & 0xff) != 0) || (pad == 2 && (v & 0xffff) != 0))
		return 0; /* bits that no encoder sets */
	out[0] = (char)(v >> 16);
	out[1] = (char)(v >> 8 & 0xff);
	out[2] = (char)(v & 0xff);
	return 3 - pad;
}

bool
base64_decode(struct buf *to, struct bytes from)
{
	size_t was = buf_len(to);

	if (from.n % 4 != 0)
		return false;
	for (size_t i = 0; i < from.n; i += 4) {
		char out[3];
		size_t n = group(from.p + i, i + 4 == from.n, out);

		if (n == 0 || !buf_add(to, out, n)) {
			buf_truncate(to, was);
			return false;
		}
	}
	return true;
}
