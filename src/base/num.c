/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool
num_u64_max(struct bytes text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(c - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

bool
num_u64(struct bytes text, uint64_t *ret)
{
	return num_u64_max(text, UINT64_MAX, ret);
}

struct unit {
	char letter; /* lower case */
	uint64_t factor;
};

/* A number with at most one unit letter behind it. */
static bool
with_unit(struct bytes text, const struct unit *units, size_t n, uint64_t *ret)
{
	uint64_t factor = 1, v;

	if (text.n == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((text.p[text.n - 1] | 0x20) == units[i].letter) {
			factor = units[i].factor;
			text.n--;
			break;
		}
	if (!num_u64(text, &v) || __builtin_mul_overflow(v, factor, &v))
		return false;
	*ret = v;
	return true;
}

bool
num_duration_ms(struct bytes text, int64_t *ret_ms)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 },
		{ 'h', 3600 }, { 'd', 86400 } };
	uint64_t s;

	if (!with_unit(text, units, sizeof(units) / sizeof(units[0]), &s) ||
	    s > INT64_MAX / 1000)
		return false;
	*ret_ms = (int64_t)s * 1000;
	return true;
}

bool
num_size_bytes(struct bytes text, uint64_t *ret_bytes)
{
	static const struct unit units[] = { { 'k', 1u << 10 },
		{ 'm', 1u << 20 }, { 'g', 1u << 30 } };

	return with_unit(
	    text, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

const char *
num_duration_text(int64_t ms, char out[NUM_TEXT_SIZE])
{
	int64_t s = ms / 1000;

	if (s < 120)
		(void)snprintf(out, NUM_TEXT_SIZE, "%" PRId64 "s", s);
	else if (s < 2 * 3600)
		(void)snprintf(out, NUM_TEXT_SIZE, "%" PRId64 "m", s / 60);
	else if (s < 2 * 86400)
		(void)snprintf(out, NUM_TEXT_SIZE, "%" PRId64 "h", s / 3600);
	else
		(void)snprintf(out, NUM_TEXT_SIZE, "%" PRId64 "d", s / 86400);
	return out;
}

const char *
num_size_text(uint64_t bytes, char out[NUM_TEXT_SIZE])
{
	static const char letters[] = "KMGTPE";
	double v = (double)bytes;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, NUM_TEXT_SIZE, "%" PRIu64, bytes);
		return out;
	}
	for (v /= 1024; v >= 1024 && letters[i + 1] != '\0'; i++)
		v /= 1024;
	(void)snprintf(
	    out, NUM_TEXT_SIZE, v < 10 ? "%.1f%c" : "%.0f%c", v, letters[i]);
	return out;
}
