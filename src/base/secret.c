/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/xalloc.h"

struct secret {
	size_t n;
	char p[];
};

struct secret *
secret_new(struct bytes from)
{
	struct secret *s;

	if (from.n > SECRET_MAX)
		return NULL;
	s = xmalloc(sizeof(*s) + from.n + 1);
	/* Best effort: a small RLIMIT_MEMLOCK must not stop the mail. */
	(void)mlock(s, sizeof(*s) + from.n + 1);
	s->n = from.n;
	if (from.n > 0)
		memcpy(s->p, from.p, from.n);
	s->p[from.n] = '\0';
	return s;
}

struct secret *
secret_dup(const struct secret *s)
{
	return s != NULL ? secret_new(secret_bytes(s)) : NULL;
}

void
secret_free(struct secret *s)
{
	size_t size;

	if (s == NULL)
		return;
	/* Not unlocked: locks are per page, and a neighbour on the same page
	 * may be another secret.  A handful of pages stay locked for life. */
	size = sizeof(*s) + s->n + 1;
	explicit_bzero(s, size);
	free(s);
}

struct bytes
secret_bytes(const struct secret *s)
{
	return bytes_of(s->p, s->n);
}

bool
secret_eq(const struct secret *a, const struct secret *b)
{
	unsigned char diff = 0;

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		diff |= (unsigned char)(a->p[i] ^ b->p[i]);
	return diff == 0;
}
