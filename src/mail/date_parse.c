/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/date_parse.h"

#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mail/date_token.h"

enum {
	TEXT_MAX = 256, /* longer is no date */
	YEAR_MIN = 1900,
	YEAR_MAX = 9999,
	ZONE_MAX_MIN = 14 * 60
};

/* --- the calendar --------------------------------------------------------- */

struct moment {
	int64_t year, month, day, hour, minute, second;
};

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int64_t
days_in(int64_t year, int64_t month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t
days_before(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400;
}

/* Since 1970-01-01; a Thursday. */
static int64_t
day_number(const struct moment *m)
{
	int64_t n = days_before(m->year) - days_before(1970) + m->day - 1;

	for (int64_t k = 1; k < m->month; k++)
		n += days_in(m->year, k);
	return n;
}

/* 0: Sunday. */
static int64_t
weekday(int64_t day)
{
	return ((day + 4) % 7 + 7) % 7;
}

/* RFC 5322 3.3: the year; 60 is a leap second. */
static bool
exists(const struct moment *m)
{
	bool is_midnight = m->hour == 24 && m->minute == 0 && m->second == 0;

	return m->year >= YEAR_MIN && m->year <= YEAR_MAX && m->month >= 1 &&
	       m->month <= 12 && m->day >= 1 &&
	       m->day <= days_in(m->year, m->month) &&
	       (m->hour <= 23 || is_midnight) && m->minute <= 59 &&
	       m->second <= 60;
}

/* --- as it must be -------------------------------------------------------- */

struct scan {
	struct bytes rest;
	bool is_bad;
};

/* RFC 5322 3.2.2, comments within comments without recursion. */
static void
skip_cfws(struct scan *s)
{
	size_t i = 0, depth = 0;

	for (; i < s->rest.n; i++) {
		char c = s->rest.p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			i++;
		else if (depth == 0 && strchr(" \t\r\n", c) == NULL)
			break;
	}
	s->is_bad |= depth > 0 || i > s->rest.n;
	i = i < s->rest.n ? i : s->rest.n;
	s->rest = bytes_of(s->rest.p + i, s->rest.n - i);
}

static char
peek_char(const struct scan *s)
{
	return s->rest.n > 0 ? s->rest.p[0] : '\0';
}

static bool
take_char(struct scan *s, char c)
{
	if (peek_char(s) != c || s->rest.n == 0)
		return false;
	s->rest = bytes_of(s->rest.p + 1, s->rest.n - 1);
	return true;
}

/* A number of least to most digits. */
static int64_t
number(struct scan *s, size_t least, size_t most)
{
	int64_t v = 0;
	size_t n = 0;

	while (n < most && ascii_is_digit(peek_char(s))) {
		v = v * 10 + (peek_char(s) - '0');
		IGNORE(take_char(s, peek_char(s)));
		n++;
	}
	s->is_bad |= n < least || ascii_is_digit(peek_char(s));
	return v;
}

/* Which of the names of three letters, from 0; -1: none of them. */
static int64_t
name(struct scan *s, const char *names)
{
	for (int64_t i = 0; names[3 * i] != '\0'; i++) {
		char one[4] = { names[3 * i], names[3 * i + 1],
			names[3 * i + 2] };

		if (bytes_has_prefix_nocase(s->rest, one)) {
			s->rest = bytes_of(s->rest.p + 3, s->rest.n - 3);
			return i;
		}
	}
	return -1;
}

bool
date_is_strict(struct bytes value)
{
	struct scan s = { .rest = value };
	struct moment m = { 0 };
	int64_t day = -1, zone;

	if (value.n > TEXT_MAX || !str_is_ascii(value))
		return false;
	skip_cfws(&s);
	if (!ascii_is_digit(peek_char(&s))) {
		day = name(&s, "SunMonTueWedThuFriSat");
		s.is_bad |= day < 0;
		skip_cfws(&s);
		s.is_bad |= !take_char(&s, ',');
		skip_cfws(&s);
	}
	m.day = number(&s, 1, 2);
	skip_cfws(&s);
	m.month = name(&s, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
	skip_cfws(&s);
	m.year = number(&s, 4, 4);
	skip_cfws(&s);
	m.hour = number(&s, 2, 2);
	s.is_bad |= !take_char(&s, ':');
	m.minute = number(&s, 2, 2);
	if (take_char(&s, ':'))
		m.second = number(&s, 2, 2);
	skip_cfws(&s);
	s.is_bad |= !take_char(&s, '+') && !take_char(&s, '-');
	zone = number(&s, 4, 4);
	skip_cfws(&s);
	return !s.is_bad && s.rest.n == 0 && zone % 100 <= 59 && exists(&m) &&
	       m.hour <= 23 && (day < 0 || day == weekday(day_number(&m)));
}

/* --- as it is ------------------------------------------------------------- */

static const struct date_token *
at(const struct date_text *x, size_t i)
{
	static const struct date_token none = { .kind = DATE_TOKEN_MARK };

	return i < x->n ? &x->t[i] : &none;
}

static bool
is_mark(const struct date_text *x, size_t i, char c)
{
	return at(x, i)->kind == DATE_TOKEN_MARK && at(x, i)->word[0] == c;
}

static bool
is_number(const struct date_text *x, size_t i)
{
	return i < x->n && at(x, i)->kind == DATE_TOKEN_NUMBER &&
	       !at(x, i)->is_used;
}

static bool
is_word(const struct date_text *x, size_t i, const char *word)
{
	return at(x, i)->kind == DATE_TOKEN_WORD &&
	       strcmp(at(x, i)->word, word) == 0;
}

static void
use(struct date_text *x, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < x->n; i++)
		x->t[i].is_used = true;
}

/* "AM", "p.m." behind a time; returns how many tokens that is. */
static size_t
half_day(const struct date_text *x, size_t i, bool *ret_is_pm)
{
	if (is_word(x, i, "am") || is_word(x, i, "pm")) {
		*ret_is_pm = at(x, i)->word[0] == 'p';
		return 1;
	}
	if ((is_word(x, i, "a") || is_word(x, i, "p")) &&
	    is_mark(x, i + 1, '.') && is_word(x, i + 2, "m")) {
		*ret_is_pm = at(x, i)->word[0] == 'p';
		return is_mark(x, i + 3, '.') ? 4 : 3;
	}
	return 0;
}

/* Morning or afternoon as it stands in front, in Korean, Chinese, Japanese. */
static void
half_day_before(const struct date_text *x, int64_t *hour)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *w = at(x, i)->word;
		bool is_pm = strcmp(w, "\xec\x98\xa4\xed\x9b\x84") == 0 ||
			     strcmp(w, "\xe4\xb8\x8b\xe5\x8d\x88") == 0 ||
			     strcmp(w, "\xe5\x8d\x88\xe5\xbe\x8c") == 0;
		bool is_am = strcmp(w, "\xec\x98\xa4\xec\xa0\x84") == 0 ||
			     strcmp(w, "\xe4\xb8\x8a\xe5\x8d\x88") == 0 ||
			     strcmp(w, "\xe5\x8d\x88\xe5\x89\x8d") == 0;

		if (is_pm && *hour < 12)
			*hour += 12;
		if (is_am && *hour == 12)
			*hour = 0;
	}
}

/* Where hh:mm begins, x->n: nowhere.  With dots it stands behind a date. */
static size_t
time_at(const struct date_text *x, char *ret_mark)
{
	size_t nbefore = 0;

	*ret_mark = ':';
	for (size_t i = 0; i < x->n; i++)
		if (is_number(x, i) && is_mark(x, i + 1, ':') &&
		    is_number(x, i + 2))
			return i;
	*ret_mark = '.';
	for (size_t i = 0; i < x->n; i++) {
		if (!is_number(x, i))
			continue;
		if (nbefore++ >= 2 && !at(x, i)->is_glued &&
		    is_mark(x, i + 1, '.') && is_number(x, i + 2) &&
		    at(x, i + 2)->is_glued && at(x, i + 2)->digits == 2)
			return i;
	}
	return x->n;
}

/* hh:mm[:ss[.fraction]]; returns where it ends, 0: there is none. */
static size_t
find_time(struct date_text *x, struct moment *m)
{
	char mark;
	size_t i = time_at(x, &mark), start = i;
	bool is_pm;

	if (i == x->n)
		return 0;
	m->hour = at(x, i)->value;
	m->minute = at(x, i + 2)->value;
	i += 3;
	if (is_mark(x, i, mark) && is_number(x, i + 1)) {
		m->second = at(x, i + 1)->value;
		i += 2;
		if ((is_mark(x, i, '.') || is_mark(x, i, ',')) &&
		    is_number(x, i + 1) && at(x, i + 1)->is_glued)
			i += 2;
	}
	if (half_day(x, i, &is_pm) > 0) {
		if (m->hour < 1 || m->hour > 12)
			x->is_bad = true;
		m->hour = m->hour % 12 + (is_pm ? 12 : 0);
		i += half_day(x, i, &is_pm);
	}
	half_day_before(x, &m->hour);
	use(x, start, i - start);
	return i;
}

/* +hh:mm, +hhmm, +hh or +h from i on; returns where it ends, 0: there is
 * none. */
static size_t
find_offset(struct date_text *x, size_t i, int64_t *ret_minutes)
{
	bool is_minus = is_mark(x, i, '-');
	int64_t v = at(x, i + 1)->value, minutes;
	size_t end = i + 2;

	if ((!is_minus && !is_mark(x, i, '+')) || !is_number(x, i + 1) ||
	    !at(x, i + 1)->is_glued)
		return 0;
	if (at(x, i + 1)->digits > 2) {
		minutes = v / 100 * 60 + v % 100;
		x->is_bad |= v % 100 > 59;
	} else {
		minutes = v * 60;
		if (is_mark(x, end, ':') && is_number(x, end + 1)) {
			minutes += at(x, end + 1)->value;
			end += 2;
		} else if (is_mark(x, end, '.') || is_mark(x, end, '/') ||
			   is_mark(x, end, '-')) {
			return 0; /* a date */
		}
	}
	if (minutes > ZONE_MAX_MIN)
		return 0;
	*ret_minutes = is_minus ? -minutes : minutes;
	use(x, i, end - i);
	return end;
}

/* Behind the time.  A name may stand further on: "00:42:02 CEST 2022". */
static void
find_zone(struct date_text *x, size_t i, int64_t *minutes)
{
	if (find_offset(x, i, minutes) > 0)
		return;
	for (size_t k = i; k < x->n; k++)
		if (date_token_zone(at(x, k), minutes)) {
			use(x, k, 1);
			IGNORE(find_offset(x, k + 1, minutes) > 0);
			return;
		}
	for (size_t k = i + 1; k < x->n; k++)
		if (is_mark(x, k, '+') && find_offset(x, k, minutes) > 0)
			return;
	/* "Europe/Berlin": not here, perhaps. */
	for (size_t k = i; k < x->n; k++)
		x->is_bad |= at(x, k)->kind == DATE_TOKEN_WORD &&
			     is_mark(x, k + 1, '/') &&
			     at(x, k + 2)->kind == DATE_TOKEN_WORD;
}

/* The year that two or three digits mean: RFC 5322 4.3. */
static int64_t
full_year(const struct date_token *t)
{
	if (t->digits >= 4)
		return t->value;
	if (t->digits == 3)
		return 1900 + t->value;
	return t->value + (t->value < 50 ? 2000 : 1900);
}

/* 0: no word is a month, or two are.  "mar" is a Tuesday and "paz" a Sunday
 * where another word is a month. */
static int64_t
find_month(const struct date_text *x, size_t *ret_at)
{
	int64_t sure = 0, weak = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct date_token *t = at(x, i);
		int64_t month = t->is_used ? 0 : date_token_month(t);

		if (month == 0)
			continue;
		if (is_word(x, i, "mar") || is_word(x, i, "paz")) {
			weak = weak == 0 || weak == month ? month : -1;
			*ret_at = sure == 0 ? i : *ret_at;
		} else if (sure == 0) {
			sure = month;
			*ret_at = i;
		} else {
			return 0;
		}
	}
	return sure != 0 ? sure : weak > 0 ? weak : 0;
}

/* The numbers that are left, at most most; false: there are more. */
static bool
numbers_left(const struct date_text *x, size_t *to, size_t most, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < x->n; i++) {
		if (!is_number(x, i))
			continue;
		if (*ret_n == most)
			return false;
		to[(*ret_n)++] = i;
	}
	return true;
}

static bool
date_with_name(const struct date_text *x, int64_t month, struct moment *m)
{
	const struct date_token *a, *b;
	size_t left[2], n;

	if (!numbers_left(x, left, 2, &n) || n < 2)
		return false;
	a = at(x, left[0]);
	b = at(x, left[1]);
	if (a->digits > 2) { /* the year first */
		const struct date_token *t = a;

		a = b;
		b = t;
	}
	if (a->digits > 2 || b->digits > 4)
		return false;
	m->month = month;
	m->day = a->value;
	m->year = full_year(b);
	return true;
}

/* Three numbers; false: they can be read in two ways. */
static bool
date_with_numbers(const struct date_text *x, const size_t *i, struct moment *m)
{
	const struct date_token *a = at(x, i[0]), *b = at(x, i[1]),
				*c = at(x, i[2]);
	char mark = at(x, i[0] + 1)->word[0];

	if (i[1] != i[0] + 2 || i[2] != i[1] + 2 ||
	    !is_mark(x, i[0] + 1, mark) || !is_mark(x, i[1] + 1, mark) ||
	    strchr("-/.", mark) == NULL || b->digits > 2)
		return false;
	if (a->digits == 4 && c->digits <= 2) {
		*m = (struct moment) { a->value, b->value, c->value, m->hour,
			m->minute, m->second };
		return true;
	}
	/* "22/05/27" may begin with the year, "5/27/22" cannot. */
	if (a->digits > 2 ||
	    (c->digits != 4 &&
		!(c->digits == 2 && (mark == '.' || b->value > 12))))
		return false;
	m->year = full_year(c);
	m->day = a->value;
	m->month = b->value;
	if (mark == '.' || a->value > 12 || a->value == b->value)
		return true;
	m->day = b->value;
	m->month = a->value;
	return b->value > 12;
}

/* From the day of the year. */
static bool
set_ordinal(struct moment *m, int64_t day)
{
	if (day < 1 || day > 365 + is_leap(m->year))
		return false;
	for (m->month = 1; day > days_in(m->year, m->month); m->month++)
		day -= days_in(m->year, m->month);
	m->day = day;
	return true;
}

/* ISO 8601: the first week is that of 4 January. */
static bool
set_week(struct moment *m, int64_t week, int64_t day)
{
	struct moment jan4 = { m->year, 1, 4, 0, 0, 0 };
	int64_t ordinal = 4 - (weekday(day_number(&jan4)) + 6) % 7 +
			  (week - 1) * 7 + day - 1;

	if (week < 1 || week > 53 || day < 1 || day > 7)
		return false;
	if (ordinal < 1) {
		m->year--;
		ordinal += 365 + is_leap(m->year);
	} else if (ordinal > 365 + is_leap(m->year)) {
		ordinal -= 365 + is_leap(m->year);
		m->year++;
	}
	return set_ordinal(m, ordinal);
}

static bool
is_year(int64_t y)
{
	return y >= YEAR_MIN && y <= YEAR_MAX;
}

/* 2022-W21-5, 2022W215, 2022-147, 2022147. */
static bool
date_of_week(
    const struct date_text *x, const size_t *i, size_t n, struct moment *m)
{
	int64_t v;

	if (n == 0)
		return false;
	v = at(x, i[0])->value;
	if (n == 1 && at(x, i[0])->digits == 7 && is_year(v / 1000)) {
		m->year = v / 1000;
		return set_ordinal(m, v % 1000);
	}
	if (n < 2 || at(x, i[0])->digits != 4 || !is_year(v))
		return false;
	m->year = v;
	v = at(x, i[1])->value;
	if (is_word(x, i[1] - 1, "w") && at(x, i[1])->is_glued) {
		if (n == 2 && at(x, i[1])->digits == 3)
			return set_week(m, v / 10, v % 10);
		return n == 3 && set_week(m, v, at(x, i[2])->value);
	}
	return n == 2 && is_mark(x, i[0] + 1, '-') && i[1] == i[0] + 2 &&
	       at(x, i[1])->digits == 3 && set_ordinal(m, v);
}

/* 20220527T004202, 20220527004202, 20220527; takes the time, too. */
static bool
date_compact(struct date_text *x, const size_t *i, size_t n, struct moment *m)
{
	const struct date_token *a = at(x, i[0]), *b = n > 1 ? at(x, i[1]) : a;
	int64_t v = a->value, time = 0;

	if (n == 0 || n > 3 || (a->digits != 8 && a->digits != 14))
		return false;
	if (a->digits == 14) {
		time = v % 1000000;
		v /= 1000000;
	} else if (n > 1 && (b->digits == 6 || b->digits == 4)) {
		time = b->digits == 6 ? b->value : b->value * 100;
		use(x, i[1], 1);
	} else if (n > 1) {
		return false;
	}
	if (time > 0) {
		m->hour = time / 10000;
		m->minute = time / 100 % 100;
		m->second = time % 100;
	}
	m->year = v / 10000;
	m->month = v / 100 % 100;
	m->day = v % 100;
	use(x, i[0], 1);
	return true;
}

static bool
find_date(struct date_text *x, struct moment *m)
{
	size_t left[3], n, month_at = 0;
	int64_t month = find_month(x, &month_at);

	if (month > 0)
		return date_with_name(x, month, m);
	if (!numbers_left(x, left, 3, &n))
		return false;
	return (n == 3 && date_with_numbers(x, left, m)) ||
	       date_of_week(x, left, n, m) ||
	       (n > 0 && date_compact(x, left, n, m));
}

/* Seconds since 1970, as "date +%s" writes them, or milliseconds. */
static bool
is_epoch(const struct date_text *x, int64_t *ret_s)
{
	size_t i = is_mark(x, 0, '@');

	if (!is_number(x, i) ||
	    ((at(x, i)->digits < 9 || at(x, i)->digits > 10) &&
		at(x, i)->digits != 13) ||
	    (x->n > i + 1 && !(is_mark(x, i + 1, '.') && x->n == i + 3)))
		return false;
	*ret_s = at(x, i)->value / (at(x, i)->digits == 13 ? 1000 : 1);
	return true;
}

/* Behind 20220527T004202 or 20220527004202. */
static void
find_compact_zone(struct date_text *x, int64_t *minutes)
{
	if (at(x, 0)->digits == 14)
		find_zone(x, 1, minutes);
	else if (at(x, 0)->digits == 8 && is_word(x, 1, "t"))
		find_zone(x, 3, minutes);
}

bool
date_parse(struct bytes value, int32_t utc_offset_s, int64_t *ret_wall_ms,
    int32_t *ret_utc_offset_s)
{
	int64_t minutes = utc_offset_s / 60, s;
	struct date_text x;
	struct moment m = { 0 };
	size_t end;

	value = bytes_trim(value);
	if (value.n > TEXT_MAX)
		return false;
	date_text_cut(&x, value);
	if (x.is_bad)
		return false;
	if (is_epoch(&x, &s)) {
		*ret_wall_ms = s * 1000;
		*ret_utc_offset_s = utc_offset_s;
		return true;
	}
	end = find_time(&x, &m);
	if (end > 0)
		find_zone(&x, end, &minutes);
	else
		find_compact_zone(&x, &minutes);
	if (x.is_bad || !find_date(&x, &m) || x.is_bad || !exists(&m))
		return false;
	s = ((day_number(&m) * 24 + m.hour) * 60 + m.minute) * 60 + m.second;
	*ret_wall_ms = (s - minutes * 60) * 1000;
	*ret_utc_offset_s = (int32_t)(minutes * 60);
	return true;
}
