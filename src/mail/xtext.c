/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/xtext.h"

static bool
is_xchar(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

bool
xtext_encode(struct buf *to, struct bytes from)
{
	size_t before = buf_len(to);

	for (size_t i = 0; i < from.n; i++) {
		char c = from.p[i];

		if (is_xchar(c)
			? buf_addc(to, c)
			: buf_addf(to, "+%02X", (unsigned)(unsigned char)c))
			continue;
		buf_truncate(to, before);
		return false;
	}
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next byte behind the coding; -1: there is none that may be. */
static int
next_byte(struct bytes from, size_t *at)
{
	char c = from.p[(*at)++];
	int high, low;

	if (is_xchar(c))
		return (unsigned char)c;
	if (c != '+' || from.n - *at < 2)
		return -1;
	high = hex_value(from.p[(*at)++]);
	low = hex_value(from.p[(*at)++]);
	if (high < 0 || low < 0)
		return -1;
	c = (char)(high * 16 + low);
	return (unsigned char)c < 0x20 || c == 0x7f ? -1 : (unsigned char)c;
}

bool
xtext_decode(struct buf *to, struct bytes from)
{
	size_t before = buf_len(to);

	for (size_t at = 0; at < from.n;) {
		int c = next_byte(from, &at);

		if (c >= 0 && buf_addc(to, (char)c))
			continue;
		buf_truncate(to, before);
		return false;
	}
	return true;
}
