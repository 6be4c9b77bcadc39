/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments as text: RFC 5322 3.3, RFC 3339. */
#include "tests/lib/check.h"

#include "mail/date.h"

static void
moments_have_their_zone(void **state)
{
	static const struct {
		int64_t ms;
		int32_t offset_s;
		const char *mail, *iso;
	} rows[] = {
		{ 0, 0, "Thu, 01 Jan 1970 00:00:00 +0000",
		    "1970-01-01T00:00:00+00:00" },
		{ INT64_C(1787313785999), 7200,
		    "Fri, 21 Aug 2026 14:03:05 +0200",
		    "2026-08-21T14:03:05+02:00" },
		{ INT64_C(1787313785000), -12600,
		    "Fri, 21 Aug 2026 08:33:05 -0330",
		    "2026-08-21T08:33:05-03:30" },
		{ -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000",
		    "1969-12-31T23:59:59+00:00" },
		{ 0, -3600, "Wed, 31 Dec 1969 23:00:00 -0100",
		    "1969-12-31T23:00:00-01:00" },
		{ INT64_C(1709164800000), 0, "Thu, 29 Feb 2024 00:00:00 +0000",
		    "2024-02-29T00:00:00+00:00" },
		{ INT64_MAX, 0, "Fri, 31 Dec 9999 23:59:59 +0000",
		    "9999-12-31T23:59:59+00:00" },
		{ INT64_MIN, 0, "Sat, 01 Jan 0000 00:00:00 +0000",
		    "0000-01-01T00:00:00+00:00" },
		{ 0, INT32_MAX, "Thu, 01 Jan 1970 23:59:00 +2359",
		    "1970-01-01T23:59:00+23:59" },
	};
	char out[DATE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(
		    date_rfc5322(rows[i].ms, rows[i].offset_s, out),
		    rows[i].mail);
		assert_string_equal(
		    date_iso(rows[i].ms, rows[i].offset_s, out), rows[i].iso);
	}
	assert_string_equal(
	    date_stamp(INT64_C(1787313785999), out), "20260821120305");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_have_their_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
