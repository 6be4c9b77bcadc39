/* SPDX-License-Identifier: GPL-3.0-or-later */
/* date_token.h - cuts a date as somebody wrote it into numbers, words and
 * marks, and knows which months and zones words mean, in some twenty languages.
 *
 * date_parse.c decides on their order and meaning.  A value without allocation.
 * Pure, linear.
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
	bool is_bad; /* the text cannot be a date */
};

/* Cuts the text up.  Comments are left out, whatever they contain.  Bytes that
 * are not UTF-8 count as ISO 8859-1. */
void date_text_cut(struct date_text *ret, struct bytes b);
/* The month that the word means, 1 to 12; 0: none. */
int64_t date_token_month(const struct date_token *t);
/* The zone that the word means, in minutes east of UTC.  False: none. */
bool date_token_zone(
    const struct date_token *t, int64_t *ret_minutes) MUST_CHECK;

#endif
