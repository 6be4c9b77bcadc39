/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What programs write into a Date field. */
#include "tests/lib/check.h"

#include "mail/date.h"
#include "mail/date_parse.h"

enum { HERE = 7200 };
#define WANTED "Fri, 27 May 2022 00:42:02 +0200"

static struct bytes
b(const char *s)
{
	return bytes_str(s);
}

static void
what_must_be_written_is_known(void **state)
{
	static const char *const good[] = { WANTED,
		"Fri, 27 May 2022 00:42:02 -0000", "27 May 2022 00:42 +0000",
		"Fri,  7 Jan 2022 00:42:02 +0200",
		"fri, 7 JAN 2022 00:42:02 +0200",
		"Fri, 27 May 2022 00:42:02 +0200 (CEST)",
		"(a (nested\\)) comment) Fri, 27 May 2022\r\n 00:42:02 +0200",
		"Thu, 29 Feb 2024 23:59:60 +1400" };
	static const char *const bad[] = { "", "today",
		"Fr, 27 Mai 2022 00:42:02 +0200",
		"Fri, 27 May 22 00:42:02 +0200", "Fri, 27 May 2022 00:42:02",
		"Fri, 27 May 2022 00:42:02 GMT", "2022-05-27T00:42:02+02:00",
		"Fri May 27 00:42:02 2022", "Friday, 27-May-22 00:42:02 GMT",
		"Mon, 27 May 2022 00:42:02 +0200", "31 Apr 2022 00:00:00 +0000",
		"Thu, 29 Feb 2023 00:00:00 +0000", "27 May 2022 24:00:00 +0000",
		"27 May 2022 10:60:00 +0000", "27 May 2022 00:42:02 +0260",
		"27 May 2022 00:42:02 +0200 x", "27 May 1899 00:42:02 +0200",
		"Fri, 27 May 2022 00:42:02 +0200 (Mitteleurop\xc3\xa4isch)",
		"27 May 2022 0:42:02 +0200",
		"Fri, 27 May 2022 00:42:02 +0200 (CEST" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!date_is_strict(b(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (date_is_strict(b(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

static const char *
parsed(const char *text, char out[DATE_TEXT_SIZE])
{
	int64_t wall_ms;
	int32_t offset_s;

	if (!date_parse(b(text), HERE, &wall_ms, &offset_s))
		return "none";
	return date_rfc5322(wall_ms, offset_s, out);
}

static const struct {
	const char *text, *date;
} rows[] = {
	/* names in other languages */
	{ "Fr, 27 Mai 2022 00:42:02 +0200", WANTED },
	{ "ven., 27 mai 2022 00:42:02 +0200", WANTED },
	{ "vie, 27 may 2022 00:42:02 +0200", WANTED },
	{ "ven, 27 mag 2022 00:42:02 +0200", WANTED },
	{ "sex, 27 mai 2022 00:42:02 +0200", WANTED },
	{ "vr, 27 mei 2022 00:42:02 +0200", WANTED },
	{ "fre, 27 maj 2022 00:42:02 +0200", WANTED },
	{ "pt, 27 maj 2022 00:42:02 +0200", WANTED },
	{ "p\xc3\xa1, 27 kv\xc4\x9b 2022 00:42:02 +0200", WANTED },
	{ "pe, 27 touko 2022 00:42:02 +0200", WANTED },
	{ "Cum, 27 May\xc4\xb1s 2022 00:42:02 +0200", WANTED },
	{ "\xd0\x9f\xd1\x82, 27 \xd0\x9c\xd0\xb0\xd0\xb9 2022 00:42:02 +0200",
	    WANTED },
	{ "\xd0\xbf\xd1\x82, 27 \xd0\xbc\xd0\xb0\xd1\x8f 2022 00:42:02 +0200",
	    WANTED },
	{ "2022\xe5\xb9\xb4"
	  "5\xe6\x9c\x88"
	  "27\xe6\x97\xa5 00:42:02 +0200",
	    WANTED },
	{ "2022\xeb\x85\x84 5\xec\x9b\x94 27\xec\x9d\xbc (\xea\xb8\x88) "
	  "\xec\x98\xa4\xec\xa0\x84 12:42:02",
	    WANTED },
	{ "Do, 3 M\xc3\xa4r 2022 10:00:00 +0100",
	    "Thu, 03 Mar 2022 10:00:00 +0100" },
	{ "Do, 3 M\xe4r 2022 10:00:00 +0100",
	    "Thu, 03 Mar 2022 10:00:00 +0100" },
	{ "mar., 1 f\xe9vr. 2022 10:00:00 +0100",
	    "Tue, 01 Feb 2022 10:00:00 +0100" },
	{ "mar, 1 mar 2022 10:00:00 +0100", "Tue, 01 Mar 2022 10:00:00 +0100" },
	{ "Di, 1 ao\xc3\xbbt 2022 10:00 +0200",
	    "Mon, 01 Aug 2022 10:00:00 +0200" },
	{ "27. Dezember 2022, 10:00 Uhr", "Tue, 27 Dec 2022 10:00:00 +0200" },
	{ "27 de diciembre de 2022 10:00", "Tue, 27 Dec 2022 10:00:00 +0200" },
	{ "27 lipca 2022 10:00", "Wed, 27 Jul 2022 10:00:00 +0200" },
	{ "27 lip 2022 10:00", "none" },
	/* ISO 8601 */
	{ "2022-05-27T00:42:02+02:00", WANTED },
	{ "2022-05-27T00:42:02+0200", WANTED },
	{ "2022-05-27T00:42:02+02", WANTED },
	{ "2022-05-27 00:42:02.123456+02:00", WANTED },
	{ "2022-05-27T00:42:02,5+02:00", WANTED },
	{ "2022-05-27 00:42:02", WANTED },
	{ "2022-05-26T22:42:02Z", "Thu, 26 May 2022 22:42:02 +0000" },
	{ "2022-05-26T22:42:02.000Z", "Thu, 26 May 2022 22:42:02 +0000" },
	{ "20220526T224202Z", "Thu, 26 May 2022 22:42:02 +0000" },
	{ "20220527T004202+0200", WANTED },
	{ "20220527004202", WANTED },
	{ "2022-05-27", "Fri, 27 May 2022 00:00:00 +0200" },
	{ "2022-W21-5T00:42:02+02:00", WANTED },
	{ "2022W215T00:42:02+02:00", WANTED },
	{ "2022-147T00:42:02+02:00", WANTED },
	{ "2022-05-26T24:00:00Z", "Fri, 27 May 2022 00:00:00 +0000" },
	{ "2022-05-26T15:42:02-07:00", "Thu, 26 May 2022 15:42:02 -0700" },
	/* the C library, date(1), HTTP, browsers */
	{ "Fri May 27 00:42:02 2022", WANTED },
	{ "Fri May 27 00:42:02 CEST 2022", WANTED },
	{ "Fri May 27 12:42:02 AM CEST 2022", WANTED },
	{ "Friday, 27-May-22 00:42:02 GMT", "Fri, 27 May 2022 00:42:02 +0000" },
	{ "Fri May 27 2022 00:42:02 GMT+0200 (Central European Summer Time)",
	    WANTED },
	{ "Fri, 27 May 2022 00:42:02 UTC+2", WANTED },
	{ "Fri, 27 May 2022 00:42:02", WANTED },
	{ "Fri, 27 May 2022 00:42:02 GMT", "Fri, 27 May 2022 00:42:02 +0000" },
	{ "Fri, 27 May 2022 00:42:02 EST", "Fri, 27 May 2022 00:42:02 -0500" },
	{ "Fri, 27 May 22 00:42:02 +0200", WANTED },
	{ "Fri, 27 May 122 00:42:02 +0200", WANTED },
	{ "27 May 99 00:42:02 +0200", "Thu, 27 May 1999 00:42:02 +0200" },
	{ "Mon, 27 May 2022 00:42:02 +0200", WANTED },
	{ "Fri, 27 May 2022 0:42:02 +0200", WANTED },
	{ "May 27, 2022 12:42:02 AM", WANTED },
	{ "May 27th, 2022 12:42 p.m.", "Fri, 27 May 2022 12:42:00 +0200" },
	{ "1653604922", WANTED },
	{ "@1653604922", WANTED },
	{ "1653604922.25", WANTED },
	{ "1653604922123", WANTED },
	{ "16536049221", "none" },
	{ "fre, 27 maj 2022 00.42.02 +0200", WANTED },
	{ "27.05.2022 klo 0.42.02", WANTED },
	{ "Fri, 27 May 2022 00.42.02 +0200", WANTED },
	{ "27. maj 2022 kl. 12.42", "Fri, 27 May 2022 12:42:00 +0200" },
	{ "27.05.22", "Fri, 27 May 2022 00:00:00 +0200" },
	/* numbers */
	{ "27.05.2022 00:42:02", WANTED },
	{ "27.5.22 00:42:02", WANTED },
	{ "27/05/2022 00:42:02", WANTED },
	{ "5/27/2022 12:42:02 AM", WANTED },
	{ "5/27/22 12:42:02 AM", WANTED },
	{ "27/05/22 00:42:02", "none" },
	{ "2022/05/27 00:42:02", WANTED },
	{ "00:42:02 27/05/2022", WANTED },
	{ "05/06/2022 00:42:02", "none" },
	{ "05-06-2022 00:42:02", "none" },
	{ "05/05/2022 00:42:02", "Thu, 05 May 2022 00:42:02 +0200" },
	/* a zone that is not known, perhaps not ours */
	{ "27 May 2022 00:42:02 Europe/Berlin", "none" },
	{ "Fri May 27 00:42:02 America/New_York 2022", "none" },
	/* nothing that could be meant */
	{ "", "none" },
	{ "today", "none" },
	{ "27 May 00:42:02", "none" },
	{ "31 April 2022 10:00", "none" },
	{ "27 May 2022 25:00:00", "none" },
	{ "27 May 2022 13:00 PM", "none" },
	{ "27 May June 2022 10:00", "none" },
	{ "2022-13-01 10:00", "none" },
	{ "27 May 20222 10:00", "none" },
	{ "1 2 3 4 5 6 7", "none" },
	{ "99999999999999999999", "none" },
	{ "27 \xff\xfe\xfd 2022 10:00", "none" },
};

static void
dates_are_read_where_they_have_one_meaning(void **state)
{
	char out[DATE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(parsed(rows[i].text, out), rows[i].date) != 0)
			print_message("%s: %s, not %s\n", rows[i].text,
			    parsed(rows[i].text, out), rows[i].date);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(parsed(rows[i].text, out), rows[i].date);
}

static void
each_day_of_four_centuries_is_read_as_it_is_written(void **state)
{
	char out[DATE_TEXT_SIZE];
	int64_t wall_ms;
	int32_t offset_s;

	(void)state;
	for (int64_t day = -25567; day < 120000; day += 13) {
		int64_t ms = day * INT64_C(86400000) + 45296000;

		(void)date_rfc5322(ms, 5400, out);
		assert_true(date_is_strict(b(out)));
		assert_true(date_parse(b(out), 0, &wall_ms, &offset_s));
		assert_true(wall_ms == ms && offset_s == 5400);
		assert_true(date_parse(
		    b(date_iso(ms, -3600, out)), 0, &wall_ms, &offset_s));
		assert_true(wall_ms == ms && offset_s == -3600);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_be_written_is_known),
		cmocka_unit_test(dates_are_read_where_they_have_one_meaning),
		cmocka_unit_test(
		    each_day_of_four_centuries_is_read_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
