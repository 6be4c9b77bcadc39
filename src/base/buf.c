/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { FIRST_CAP = 128 };

void
buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 2);
	*b = (struct buf) { .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->head = 0;
	b->len = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

char *
buf_space(struct buf *b, size_t n)
{
	size_t need, cap;
	char *p;

	if (n > b->max - b->len)
		return NULL;
	need = b->len + n + 1; /* the NUL */
	if (b->head + need <= b->cap)
		return b->p + b->head + b->len;
	if (need <= b->cap && b->head >= b->len) {
		/* At least half is spent: moving the rest costs less than the
		 * bytes already dropped. */
		memmove(b->p, b->p + b->head, b->len);
		b->head = 0;
		b->p[b->len] = '\0';
		return b->p + b->len;
	}
	cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
	/* Four times while it is small: half as many moves until it holds what
	 * a header or a line of the log needs. */
	while (cap < need)
		cap *= cap < 4 * FIRST_CAP ? 4 : 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	/* Moved by hand, not by the allocator: buf_wipe() must be able to
	 * promise that no copy of a secret stays behind. */
	p = xmalloc(cap);
	if (b->len > 0)
		memcpy(p, b->p + b->head, b->len);
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	b->p = p;
	b->cap = cap;
	b->head = 0;
	/* The caller may find nothing to put there. */
	b->p[b->len] = '\0';
	return b->p + b->len;
}

void
buf_added(struct buf *b, size_t n)
{
	assert(b->p != NULL && b->head + b->len + n < b->cap);
	b->len += n;
	b->p[b->head + b->len] = '\0';
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_space(b, n);

	if (to == NULL)
		return false;
	if (n > 0)
		memcpy(to, p, n);
	buf_added(b, n);
	return true;
}

bool
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool
buf_addi(struct buf *b, int64_t n)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		digits[--at] = '-';
	return buf_add(b, digits + at, sizeof(digits) - at);
}

bool
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	/* With the NUL; the capacity is never above the maximum. */
	size_t room = b->p != NULL ? b->cap - b->head - b->len : 0;
	char *to = room > 0 ? b->p + b->head + b->len : NULL;
	int n;

	va_copy(again, ap);
	n = vsnprintf(to, room, fmt, again); /* it usually fits */
	va_end(again);
	if (n >= 0 && (size_t)n < room) {
		b->len += (size_t)n;
		return true;
	}
	if (to != NULL)
		to[0] = '\0';
	if (n < 0 || (to = buf_space(b, (size_t)n)) == NULL)
		return false;
	(void)vsnprintf(to, (size_t)n + 1, fmt, ap); /* measured above */
	buf_added(b, (size_t)n);
	return true;
}

bool
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return ok;
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	b->head = b->len == 0 ? 0 : b->head + n;
	if (b->p != NULL)
		b->p[b->head + b->len] = '\0';
}

void
buf_truncate(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len = n;
	if (b->p != NULL)
		b->p[b->head + n] = '\0';
}

char *
buf_steal(struct buf *b)
{
	char *p = xmalloc(b->len + 1);

	memcpy(p, buf_str(b), b->len + 1);
	buf_clear(b);
	return p;
}
