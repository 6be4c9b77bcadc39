/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_out.h"

#include <assert.h>
#include <string.h>

enum { KEEP_MAX = 4096 };

void
smtp_out_init(struct smtp_out *o, size_t max)
{
	*o = (struct smtp_out) { 0 };
	buf_init(&o->buf, max);
}

void
smtp_out_clear(struct smtp_out *o)
{
	buf_wipe(&o->buf);
}

void
smtp_out_shrink(struct smtp_out *o)
{
	if (buf_len(&o->buf) == 0 && o->buf.cap > KEEP_MAX)
		buf_wipe(&o->buf);
}

void
smtp_out_drop_all(struct smtp_out *o)
{
	buf_wipe(&o->buf);
	o->has_secret = false;
}

void
smtp_out_begin(struct smtp_out *o, const char *text)
{
	o->line = buf_len(&o->buf);
	o->is_cut = false;
	smtp_out_add(o, text);
}

void
smtp_out_add(struct smtp_out *o, const char *text)
{
	if (!buf_adds(&o->buf, text))
		o->is_cut = true;
}

void
smtp_out_add_num(struct smtp_out *o, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	if (!buf_add(&o->buf, digits + at, sizeof(digits) - at))
		o->is_cut = true;
}

bool
smtp_out_end(struct smtp_out *o)
{
	const char *p = buf_str(&o->buf) + o->line;
	size_t n = buf_len(&o->buf) - o->line;

	/* A last safeguard: addresses were checked long before. */
	assert(memchr(p, '\r', n) == NULL && memchr(p, '\n', n) == NULL &&
	       memchr(p, '\0', n) == NULL);
	if (!o->is_cut && buf_add(&o->buf, "\r\n", 2))
		return true;
	buf_truncate(&o->buf, o->line);
	return false;
}

void
smtp_out_sent(struct smtp_out *o, size_t n)
{
	buf_drop(&o->buf, n);
	o->sent_bytes += n;
	if (o->has_secret && buf_len(&o->buf) == 0) {
		buf_wipe(&o->buf);
		o->has_secret = false;
	}
}
