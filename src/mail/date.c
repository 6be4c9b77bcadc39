/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WALL_S_MIN (-INT64_C(62167219200)) /* 0000-01-01T00:00:00Z */
#define WALL_S_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct moment {
	struct tm tm;
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

static void
moment_of(struct moment *m, int64_t wall_ms, int32_t utc_offset_s)
{
	/* A zone has whole minutes: local time before 1900 did not. */
	int64_t zone_min = clamp(utc_offset_s / 60, -24 * 60 + 1, 24 * 60 - 1);
	int64_t s = clamp(
	    seconds_of(wall_ms) + zone_min * 60, WALL_S_MIN, WALL_S_MAX);
	time_t t = (time_t)s;

	*m = (struct moment) { 0 };
	if (gmtime_r(&t, &m->tm) == NULL)
		m->tm = (struct tm) { .tm_mday = 1 }; /* 32-bit time_t */
	m->sign = zone_min < 0 ? '-' : '+';
	m->zone_h = abs((int)zone_min) / 60;
	m->zone_min = abs((int)zone_min) % 60;
}

const char *
date_rfc5322(int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct moment m;

	moment_of(&m, wall_ms, utc_offset_s);
	(void)snprintf(out, DATE_TEXT_SIZE,
	    "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", days[m.tm.tm_wday],
	    m.tm.tm_mday, months[m.tm.tm_mon], m.tm.tm_year + 1900,
	    m.tm.tm_hour, m.tm.tm_min, m.tm.tm_sec, m.sign, m.zone_h,
	    m.zone_min);
	return out;
}

const char *
date_iso(int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE])
{
	struct moment m;

	moment_of(&m, wall_ms, utc_offset_s);
	(void)snprintf(out, DATE_TEXT_SIZE,
	    "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", m.tm.tm_year + 1900,
	    m.tm.tm_mon + 1, m.tm.tm_mday, m.tm.tm_hour, m.tm.tm_min,
	    m.tm.tm_sec, m.sign, m.zone_h, m.zone_min);
	return out;
}

const char *
date_stamp(int64_t wall_ms, char out[DATE_TEXT_SIZE])
{
	struct moment m;

	moment_of(&m, wall_ms, 0);
	(void)snprintf(out, DATE_TEXT_SIZE, "%04d%02d%02d%02d%02d%02d",
	    m.tm.tm_year + 1900, m.tm.tm_mon + 1, m.tm.tm_mday, m.tm.tm_hour,
	    m.tm.tm_min, m.tm.tm_sec);
	return out;
}
