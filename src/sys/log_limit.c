/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/log_limit.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* In a rank: lines of this kind were withheld, which must still be said. */
#define MUST_BE_TOLD (UINT64_C(1) << 63)

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* FNV-1a; who makes two kinds collide has them counted as one. */
static uint64_t
hash_text(const char *p)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *p != '\0'; p++) {
		bool is_number = is_digit((unsigned char)*p);
		unsigned char c = is_number ? '0' : (unsigned char)*p;
		uint64_t next = (h ^ c) * UINT64_C(0x100000001b3);

		/* A number counts as one digit, however long it is.  Without a
		 * branch: identifiers mix digits and letters at random. */
		h = is_number & is_digit((unsigned char)p[1]) ? h : next;
	}
	return h;
}

static uint64_t
hash_of(const char *kind)
{
	uint64_t h = hash_text(kind);

	return h != 0 ? h : 1;
}

static bool
is_over(const struct log_limit_kind *k, int64_t now_ms)
{
	return now_ms - k->since_ms >= LOG_LIMIT_MS;
}

/* The kind with this hash, else a place for it.  The one with the fewest lines
 * would not do: two new kinds in turn would take it from each other. */
static size_t
find_kind(struct log_limit *l, uint64_t hash, int64_t now_ms)
{
	size_t place = 0;

	for (size_t i = 0; i < LOG_LIMIT_KINDS; i++)
		if (l->hashes[i] == hash)
			return i;
	for (size_t i = 1; i < LOG_LIMIT_KINDS; i++)
		if (l->ranks[i] < l->ranks[place])
			place = i;
	l->hashes[place] = hash;
	l->kinds[place].since_ms = now_ms;
	l->kinds[place].lines = 0;
	return place;
}

bool
log_limit_pass(struct log_limit *l, int64_t now_ms, enum log_level level,
    const char *line, const char *kind)
{
	size_t i = find_kind(l, hash_of(kind), now_ms);
	struct log_limit_kind *k = &l->kinds[i];

	if (is_over(k, now_ms) && k->lines <= LOG_LIMIT_LINES) {
		k->since_ms = now_ms;
		k->lines = 0;
	}
	l->ranks[i] = ++l->uses;
	if (++k->lines <= LOG_LIMIT_LINES)
		return true;
	l->ranks[i] |= MUST_BE_TOLD;
	if (k->lines == LOG_LIMIT_LINES + 1) {
		k->level = level;
		/* cut is fine: equal ones stand before it */
		(void)snprintf(k->line, sizeof(k->line), "%s", line);
	}
	return false;
}

int64_t
log_limit_tell(struct log_limit *l, int64_t now_ms,
    void (*write)(void *ctx, enum log_level level, const char *line), void *ctx)
{
	int64_t next_ms = INT64_MAX;
	char text[320];

	for (size_t i = 0; i < LOG_LIMIT_KINDS; i++) {
		struct log_limit_kind *k = &l->kinds[i];

		if (l->hashes[i] == 0 || k->lines <= LOG_LIMIT_LINES)
			continue;
		if (!is_over(k, now_ms)) {
			if (k->since_ms + LOG_LIMIT_MS < next_ms)
				next_ms = k->since_ms + LOG_LIMIT_MS;
			continue;
		}
		(void)snprintf(text, sizeof(text),
		    "%" PRIu64 " more lines like this were left out: %s",
		    k->lines - LOG_LIMIT_LINES, k->line);
		l->hashes[i] = l->ranks[i] = 0;
		k->lines = 0;
		write(ctx, k->level, text);
	}
	return next_ms;
}
