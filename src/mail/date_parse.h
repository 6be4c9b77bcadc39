/* SPDX-License-Identifier: GPL-3.0-or-later */
/* date_parse.h - parses the dates that programs write into a Date field.
 *
 *	Fri, 27 May 2022 00:42:02 +0200		RFC 5322 3.3
 *	27 May 22 00:42 CEST			its older forms, without a zone
 *	Friday, 27-May-22 00:42:02 GMT		RFC 850
 *	Fri May 27 00:42:02 2022		asctime(), date(1)
 *	2022-05-27T00:42:02.5+02:00		ISO 8601, also 20220527T004202Z,
 *						2022-W21-5, 2022-147
 *	27.05.2022 00:42, 5/27/2022 12:42 AM	what can only be read in one way
 *	Fr, 27 Mai 2022 00:42:02 +0200		months in some twenty languages
 *	1653604922				seconds since 1970
 *
 * Bytes that are not UTF-8 count as ISO 8859-1.  05/06/2022 can be read in two
 * ways, so it cannot be read.  Pure, linear; arithmetic in 64 bits.
 */
#ifndef MAIL_DATE_PARSE_H
#define MAIL_DATE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* True: a date of RFC 5322 as programs must write it, with no obsolete form, an
 * existing day, and the right day of the week. */
bool date_is_strict(struct bytes value) MUST_CHECK;

/* Parses a date into the arguments of date_rfc5322().  utc_offset_s: the zone
 * if the text names none.  False: the text cannot be understood, or in two
 * ways. */
bool date_parse(struct bytes value, int32_t utc_offset_s, int64_t *ret_wall_ms,
    int32_t *ret_utc_offset_s) MUST_CHECK;

#endif
