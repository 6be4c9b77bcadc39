/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/trace.h"

#include <string.h>

#include "base/str.h"
#include "mail/envelope.h"

enum { VALUE_MAX = 4096 };

bool
trace_is_loop(const struct header *h)
{
	size_t hops = 0;

	for (size_t i = header_find(h, "Received", 0); i != HEADER_NONE;
	     i = header_find(h, "Received", i + 1))
		hops++;
	return hops > TRACE_HOPS_MAX;
}

static struct bytes
next_word(struct bytes *rest)
{
	static const char blanks[] = " \t\r\n;";
	struct bytes word;

	while (rest->n > 0 && strchr(blanks, rest->p[0]) != NULL)
		*rest = bytes_of(rest->p + 1, rest->n - 1);
	word = bytes_of(rest->p, 0);
	while (word.n < rest->n &&
	       (rest->p[word.n] == '\0' || !strchr(blanks, rest->p[word.n])))
		word.n++;
	*rest = bytes_of(rest->p + word.n, rest->n - word.n);
	return word;
}

/* RFC 5321 4.4: "id" and, as the next word, the id. */
static bool
names_one(
    struct bytes body, bool (*is_here)(void *ctx, const char *id), void *ctx)
{
	char id[ENVELOPE_ID_SIZE];
	struct bytes word;

	while ((word = next_word(&body)).n > 0)
		if (bytes_eq_nocase(word, "id") &&
		    str_copy(id, sizeof(id), next_word(&body)) &&
		    is_here(ctx, id))
			return true;
	return false;
}

bool
trace_has_come_back(const struct header *h,
    bool (*is_here)(void *ctx, const char *id), void *ctx)
{
	for (size_t i = header_find(h, "Received", 0); i != HEADER_NONE;
	     i = header_find(h, "Received", i + 1))
		if (names_one(header_at(h, i).body, is_here, ctx))
			return true;
	return false;
}

bool
trace_add(struct header *h, const struct received_opts *opts)
{
	struct buf value;
	bool ok;

	buf_init(&value, VALUE_MAX);
	ok = received_value(&value, opts) &&
	     header_prepend(h, "Received", buf_bytes(&value));
	buf_clear(&value);
	return ok;
}
