/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/date.h"

#include <stdlib.h>
#include <string.h>

#define WALL_S_MIN (-INT64_C(62167219200)) /* 0000-01-01T00:00:00Z */
#define WALL_S_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAY_S      INT64_C(86400)

struct moment {
	int year, month, day; /* month and day from 1 */
	int weekday; /* 0: Sunday */
	int hour, min, sec;
	char sign;
	int zone_h, zone_min;
};

static int64_t
clamp(int64_t v, int64_t least, int64_t most)
{
	if (v < least)
		return least;
	return v > most ? most : v;
}

static int64_t
seconds_of(int64_t ms)
{
	int64_t s = ms / 1000;

	return ms % 1000 < 0 ? s - 1 : s;
}

/* The proleptic Gregorian calendar in 64-bit arithmetic, because time_t has 32
 * bits on some machines and ends in 2038 there.  Years are counted from March,
 * so that the leap day is the last day of a year; day 0 is 0000-03-01, and 400
 * years have 146,097 days. */
static void
set_day(struct moment *m, int64_t days_since_1970)
{
	int64_t day = days_since_1970 + 719468 + 146097; /* never negative */
	int64_t era = day / 146097, in_era = day % 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 -
			   in_era / 146096) /
		       365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153; /* 0: March */

	m->day = (int)(in_year - (153 * month + 2) / 5 + 1);
	m->month = (int)(month < 10 ? month + 3 : month - 9);
	m->year = (int)(year + (era - 1) * 400 + (m->month <= 2));
	m->weekday = (int)((day + 3) % 7);
}

static void
moment_of(struct moment *m, int64_t wall_ms, int32_t utc_offset_s)
{
	/* A zone has whole minutes: local time before 1900 did not. */
	int64_t zone_min = clamp(utc_offset_s / 60, -24 * 60 + 1, 24 * 60 - 1);
	int64_t s = clamp(
	    seconds_of(wall_ms) + zone_min * 60, WALL_S_MIN, WALL_S_MAX);
	int64_t in_day = ((s % DAY_S) + DAY_S) % DAY_S;

	*m = (struct moment) { 0 };
	set_day(m, (s - in_day) / DAY_S);
	m->hour = (int)(in_day / 3600);
	m->min = (int)(in_day / 60 % 60);
	m->sec = (int)(in_day % 60);
	m->sign = zone_min < 0 ? '-' : '+';
	m->zone_h = abs((int)zone_min) / 60;
	m->zone_min = abs((int)zone_min) % 60;
}

/* Returns where the text ends, as the others here do. */
static char *
put_text(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n + 1);
	return to + n;
}

/* The n last digits of v, ended by what follows. */
static char *
put_number(char *to, int v, int n, const char *behind)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		to[i] = (char)('0' + v % 10);
	return put_text(to + n, behind);
}

static char *
put_time(char *to, const struct moment *m, const char *between)
{
	to = put_number(to, m->hour, 2, between);
	to = put_number(to, m->min, 2, between);
	return put_number(to, m->sec, 2, "");
}

static void
put_zone(char *to, const struct moment *m, const char *between)
{
	*to++ = m->sign;
	to = put_number(to, m->zone_h, 2, between);
	(void)put_number(to, m->zone_min, 2, "");
}

const char *
date_rfc5322(int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct moment m;
	char *to;

	moment_of(&m, wall_ms, utc_offset_s);
	to = put_text(put_text(out, days[m.weekday]), ", ");
	to = put_number(to, m.day, 2, " ");
	to = put_text(put_text(to, months[m.month - 1]), " ");
	to = put_number(to, m.year, 4, " ");
	to = put_text(put_time(to, &m, ":"), " ");
	put_zone(to, &m, "");
	return out;
}

const char *
date_iso(int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE])
{
	struct moment m;
	char *to;

	moment_of(&m, wall_ms, utc_offset_s);
	to = put_number(out, m.year, 4, "-");
	to = put_number(to, m.month, 2, "-");
	to = put_number(to, m.day, 2, "T");
	put_zone(put_time(to, &m, ":"), &m, ":");
	return out;
}

const char *
date_stamp(int64_t wall_ms, char out[DATE_TEXT_SIZE])
{
	struct moment m;
	char *to;

	moment_of(&m, wall_ms, 0);
	to = put_number(out, m.year, 4, "");
	to = put_number(to, m.month, 2, "");
	(void)put_time(put_number(to, m.day, 2, ""), &m, "");
	return out;
}
