/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/spool_word.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

static bool
is_plain(unsigned char c, bool is_field)
{
	return c >= 0x20 && c != 0x7f && c != '\\' && !(is_field && c == ' ');
}

static bool
escape(struct buf *to, const char *text, bool is_field)
{
	for (const char *p = text; *p != '\0';) {
		const char *start = p;

		while (is_plain((unsigned char)*p, is_field))
			p++;
		if (!buf_add(to, start, (size_t)(p - start)))
			return false;
		if (*p != '\0' &&
		    !buf_addf(to, "\\x%02x", (unsigned)(unsigned char)*p++))
			return false;
	}
	return true;
}

bool
spool_escape(struct buf *to, const char *text)
{
	return escape(to, text, false);
}

bool
spool_escape_field(struct buf *to, const char *text)
{
	if (!buf_addc(to, ' '))
		return false;
	if (text[0] == '\0')
		return buf_addc(to, '-');
	if (strcmp(text, "-") == 0)
		return buf_adds(to, "\\x2d");
	return escape(to, text, true);
}

bool
spool_number_field(struct buf *to, uint64_t n)
{
	return buf_addc(to, ' ') && buf_addi(to, (int64_t)n);
}

bool
spool_line_begin(struct buf *to, size_t *ret_start)
{
	*ret_start = buf_len(to);
	return buf_adds(to, "00000000 ");
}

bool
spool_line_end(struct buf *to, size_t start)
{
	char *line = to->p + to->head + start;
	uint32_t crc = crc32_of(0, line + SPOOL_CRC_LEN + 1,
	    buf_len(to) - start - SPOOL_CRC_LEN - 1);

	for (size_t i = SPOOL_CRC_LEN; i-- > 0; crc >>= 4)
		line[i] = "0123456789abcdef"[crc & 0xf];
	return buf_addc(to, '\n');
}

bool
spool_line_check(struct bytes line, struct bytes *ret)
{
	uint32_t crc;

	if (line.n <= SPOOL_CRC_LEN || line.p[SPOOL_CRC_LEN] != ' ' ||
	    !spool_crc(bytes_of(line.p, SPOOL_CRC_LEN), &crc) ||
	    crc != crc32_of(0, line.p + SPOOL_CRC_LEN + 1,
		       line.n - SPOOL_CRC_LEN - 1))
		return false;
	*ret = bytes_of(line.p + SPOOL_CRC_LEN + 1, line.n - SPOOL_CRC_LEN - 1);
	return true;
}

bool
spool_crc(struct bytes b, uint32_t *ret)
{
	uint32_t v = 0;

	if (b.n != SPOOL_CRC_LEN)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		int d = ascii_hex_value(b.p[i], 'a');

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*ret = v;
	return true;
}

char *
spool_unescape(struct bytes b)
{
	char *text = xmalloc(b.n + 1), *to = text;

	for (size_t i = 0; i < b.n; i++) {
		int high, low;

		if (ascii_is_control(b.p[i]))
			goto bad;
		if (b.p[i] != '\\') {
			*to++ = b.p[i];
			continue;
		}
		if (b.n - i < 4 || b.p[i + 1] != 'x')
			goto bad;
		high = ascii_hex_value(b.p[i + 2], 'a');
		low = ascii_hex_value(b.p[i + 3], 'a');
		if (high < 0 || low < 0 || high + low == 0)
			goto bad;
		*to++ = (char)(high << 4 | low);
		i += 3;
	}
	*to = '\0';
	return text;
bad:
	free(text);
	return NULL;
}

char *
spool_unescape_field(struct bytes b)
{
	return bytes_eq(b, "-") ? xstrdup("") : spool_unescape(b);
}

bool
spool_take_line(struct bytes *from, struct bytes *ret)
{
	const char *lf = from->n > 0 ? memchr(from->p, '\n', from->n) : NULL;
	size_t n;

	if (lf == NULL)
		return false;
	n = (size_t)(lf - from->p);
	*ret = bytes_of(from->p, n);
	*from = bytes_of(lf + 1, from->n - n - 1);
	return true;
}

bool
spool_take_field(struct bytes *from, struct bytes *ret)
{
	const char *sp = from->n > 0 ? memchr(from->p, ' ', from->n) : NULL;
	size_t n;

	if (sp == NULL)
		return false;
	n = (size_t)(sp - from->p);
	*ret = bytes_of(from->p, n);
	*from = bytes_of(sp + 1, from->n - n - 1);
	return true;
}

bool
spool_number(struct bytes b, int64_t *ret)
{
	uint64_t v;

	if (!num_u64_max(b, INT64_MAX, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

uint64_t
spool_since_1970(int64_t t)
{
	return t > 0 ? (uint64_t)t : 0;
}
