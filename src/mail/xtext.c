/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/xtext.h"

#include "base/ascii.h"

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
	high = ascii_hex_value(from.p[(*at)++], 'A');
	low = ascii_hex_value(from.p[(*at)++], 'A');
	if (high < 0 || low < 0)
		return -1;
	c = (char)(high * 16 + low);
	return ascii_is_control(c) ? -1 : (unsigned char)c;
}

bool
xtext_is_valid(struct bytes b)
{
	bool is_valid = b.n > 0;

	for (size_t at = 0; is_valid && at < b.n;)
		is_valid = next_byte(b, &at) >= 0;
	return is_valid;
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
