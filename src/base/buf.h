/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.h - a growable byte buffer with a hard maximum, and borrowed bytes.
 *
 * It is the only growable buffer of the program (R24).  Bytes are added at the
 * end and dropped from the front, so it serves as a queue between a socket and
 * an engine.  "Full" is an ordinary answer: the adder then added nothing.
 *
 * The contents are always followed by a NUL that is not counted, so that
 * buf_str() is a C string if no NUL was added.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/must.h"

/* Bytes that someone else owns.  Everything that came from a network is passed
 * in this type, never as a C string (R11); path, exec and format functions do
 * not take it and logging escapes it. */
struct bytes {
	const char *p;
	size_t n;
};

static inline struct bytes
bytes_of(const void *p, size_t n)
{
	return (struct bytes) { p, n };
}

/* Of a C string, without its NUL; none of NULL. */
static inline struct bytes
bytes_str(const char *s)
{
	return bytes_of(s, s != NULL ? strlen(s) : 0);
}

struct buf {
	char *p; /* what is stored begins at p + head */
	size_t head;
	size_t len; /* bytes stored */
	size_t cap;
	size_t max; /* most bytes it may ever store */
};

/* No allocation until something is added. */
void buf_init(struct buf *b, size_t max);
/* Frees the memory; the buffer may be used again with the same maximum. */
void buf_clear(struct buf *b);
/* As buf_clear(), but overwrites the memory first, for a buffer that held a
 * secret. */
void buf_wipe(struct buf *b);
/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);

/* False: it would exceed the maximum, nothing was added. */
bool buf_add(struct buf *b, const void *p, size_t n) MUST_CHECK;
bool buf_adds(struct buf *b, const char *s) MUST_CHECK;
/* Text is often built letter by letter, so this is inline. */
static inline MUST_CHECK bool
buf_addc(struct buf *b, char c)
{
	char *to;

	if (b->len == b->max || b->head + b->len + 1 >= b->cap)
		return buf_add(b, &c, 1);
	to = b->p + b->head + b->len++;
	to[0] = c;
	to[1] = '\0';
	return true;
}
bool buf_addi(struct buf *b, int64_t n) MUST_CHECK; /* in digits */
bool buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))) MUST_CHECK;
bool buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0))) MUST_CHECK;

/* Space for n more bytes to be written by the caller, who then says how many
 * with buf_added().  NULL: it would exceed the maximum. */
char *buf_space(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* Forgets n bytes at the front (n <= length) or keeps only the first n. */
void buf_drop(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t n);

static inline size_t
buf_len(const struct buf *b)
{
	return b->len;
}

static inline size_t
buf_room(const struct buf *b)
{
	return b->max - b->len;
}

/* Borrowed until the next call that changes b. */
static inline const char *
buf_str(const struct buf *b)
{
	return b->p != NULL ? b->p + b->head : "";
}

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_of(buf_str(b), b->len);
}

/* Returns the contents as a C string that the caller frees; b is empty then. */
char *buf_steal(struct buf *b);

#endif
