/* SPDX-License-Identifier: GPL-3.0-or-later */
/* date_token.h - the numbers, words and marks of a date as somebody wrote it,
 * and which months and zones the words name, in some twenty languages.
 *
 * What order they are in and what they mean together is date_parse.c's.  A
 * value without memory of its own.  Pure, linear.
 */
#ifndef MAIL_DATE_TOKEN_H
#define MAIL_DATE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum { DATE_TOKENS_MAX = 64, DATE_WORD_SIZE = 32 };

enum date_token_kind {
	DATE_TOKEN_NUMBER = 0,
	DATE_TOKEN_WORD,
	DATE_TOKEN_MARK
};

struct date_token {
	enum date_token_kind kind;
	bool is_glued; /* nothing stands in front of it */
	bool is_used;
	int64_t value; /* DATE_TOKEN_NUMBER */
	size_t digits;
	char word
	    [DATE_WORD_SIZE]; /* small letters without accents; or one mark */
};

struct date_text {
	struct date_token t[DATE_TOKENS_MAX];
	size_t n;
	bool is_bad; /* it can be no date */
};

/* Comments are left out; their text may be anything.  Bytes that are not UTF-8
 * count as ISO 8859-1. */
void date_text_cut(struct date_text *ret, struct bytes b);
/* 1 to 12; 0: it names no month. */
int64_t date_token_month(const struct date_token *t);
/* In minutes to the east; false: it names no zone. */
bool date_token_zone(
    const struct date_token *t, int64_t *ret_minutes) MUST_CHECK;

#endif
