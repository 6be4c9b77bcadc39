/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/qid.h"

#include <string.h>

enum { TIME_CHARS = 8, FOLDER_AT = 3, FOLDER_SHIFT = 15 };

/* 40 bits of milliseconds last 34 years: counted from 2020, until 2054.  Then
 * ids sort wrongly for a while; nothing else depends on it. */
#define QID_EPOCH_MS INT64_C(1577836800000)

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

static void
put_base32(char *to, uint64_t v, size_t n)
{
	while (n-- > 0) {
		to[n] = digits[v & 31];
		v >>= 5;
	}
}

void
qid_make(int64_t wall_ms, const struct rng *rng, char ret[QID_SIZE])
{
	uint64_t r;

	rng_fill(rng, &r, sizeof(r));
	put_base32(ret, (uint64_t)(wall_ms - QID_EPOCH_MS), TIME_CHARS);
	put_base32(ret + TIME_CHARS, r, QID_LEN - TIME_CHARS);
	ret[QID_LEN] = '\0';
}

static bool
is_base32(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0' || strchr(digits, text[i]) == NULL)
			return false;
	return text[n] == '\0';
}

bool
qid_is_valid(const char *text)
{
	return is_base32(text, QID_LEN);
}

void
qid_folder(const char *id, char ret[QID_FOLDER_SIZE])
{
	memcpy(ret, id + FOLDER_AT, QID_FOLDER_LEN);
	ret[QID_FOLDER_LEN] = '\0';
}

unsigned
qid_folder_at(int64_t wall_ms)
{
	return (unsigned)((uint64_t)(wall_ms - QID_EPOCH_MS) >> FOLDER_SHIFT) %
	       QID_FOLDERS;
}

void
qid_folder_name(unsigned number, char ret[QID_FOLDER_SIZE])
{
	put_base32(ret, number, QID_FOLDER_LEN);
	ret[QID_FOLDER_LEN] = '\0';
}

int
qid_folder_number(const char *name)
{
	if (!is_base32(name, QID_FOLDER_LEN))
		return -1;
	return (int)((strchr(digits, name[0]) - digits) * 32 +
		     (strchr(digits, name[1]) - digits));
}
