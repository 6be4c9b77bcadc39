/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/log_limit.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "base/must.h"

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* FNV-1a; who makes two kinds collide has them counted as one. */
static uint64_t
hash_of(const char *line)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (const char *p = line; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		/* A number counts as one digit, however long it is. */
		if (is_digit(c)) {
			if (is_digit((unsigned char)p[1]))
				continue;
			c = '0';
		}
		h = (h ^ c) * UINT64_C(0x100000001b3);
	}
	return h != 0 ? h : 1;
}

static bool
is_over(const struct log_limit_kind *k, int64_t now_ms)
{
	return now_ms - k->since_ms >= LOG_LIMIT_MS;
}

/* Is a's place better than b's?  What was left out must still be told. */
static bool
is_better(const struct log_limit_kind *a, const struct log_limit_kind *b)
{
	bool is_a_open = a->lines <= LOG_LIMIT_LINES;
	bool is_b_open = b->lines <= LOG_LIMIT_LINES;

	return is_a_open != is_b_open ? is_a_open : a->used < b->used;
}

/* The kind with this hash, else a place for it.  The one with the fewest lines
 * would not do: two new kinds in turn would take it from each other. */
static struct log_limit_kind *
find_kind(struct log_limit *l, uint64_t hash, int64_t now_ms)
{
	struct log_limit_kind *place = &l->kinds[0];

	for (size_t i = 0; i < LOG_LIMIT_KINDS; i++) {
		struct log_limit_kind *k = &l->kinds[i];

		if (k->hash == hash)
			return k;
		if (is_better(k, place))
			place = k;
	}
	*place = (struct log_limit_kind) { .hash = hash, .since_ms = now_ms };
	return place;
}

bool
log_limit_pass(
    struct log_limit *l, int64_t now_ms, enum log_level level, const char *line)
{
	struct log_limit_kind *k = find_kind(l, hash_of(line), now_ms);

	k->used = ++l->uses;
	if (is_over(k, now_ms) && k->lines <= LOG_LIMIT_LINES) {
		k->since_ms = now_ms;
		k->lines = 0;
	}
	if (++k->lines <= LOG_LIMIT_LINES)
		return true;
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

		if (k->hash == 0 || k->lines <= LOG_LIMIT_LINES)
			continue;
		if (!is_over(k, now_ms)) {
			if (k->since_ms + LOG_LIMIT_MS < next_ms)
				next_ms = k->since_ms + LOG_LIMIT_MS;
			continue;
		}
		(void)snprintf(text, sizeof(text),
		    "%" PRIu64 " more lines like this were left out: %s",
		    k->lines - LOG_LIMIT_LINES, k->line);
		*k = (struct log_limit_kind) { .hash = 0 };
		write(ctx, k->level, text);
	}
	return next_ms;
}
