/* SPDX-License-Identifier: GPL-3.0-or-later */
/* date.h - formats dates and times.
 *
 * Arithmetic only: the caller says how far local time is from UTC
 * (base/clock.h).  Years before 0 or after 9999, and offsets of more than a
 * day, are shown as the nearest value that has a form.  Pure.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

enum { DATE_TEXT_SIZE = 96 };

/* "Fri, 21 Aug 2026 14:03:05 +0200": RFC 5322 3.3, numeric zone (RFC 5321 4.4).
 * All return out. */
const char *date_rfc5322(
    int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE]);
/* "2026-08-21T14:03:05+02:00": RFC 3339, for listings. */
const char *date_iso(
    int64_t wall_ms, int32_t utc_offset_s, char out[DATE_TEXT_SIZE]);
/* "20260821120305": UTC, for identifiers that sort. */
const char *date_stamp(int64_t wall_ms, char out[DATE_TEXT_SIZE]);

#endif
