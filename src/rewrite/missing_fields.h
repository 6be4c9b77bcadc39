/* SPDX-License-Identifier: GPL-3.0-or-later */
/* missing_fields.h - adds From, Date and Message-ID where they are missing, and
 * repairs forms of them that servers refuse (RFC 6409 8.1 to 8.3).
 *
 * Each function adds its field if it is absent or empty.  An invalid Date or
 * Message-ID is repaired if its meaning is clear, else replaced; of several the
 * best one stays.  Old values are kept in X-Original-Date and
 * X-Original-Message-ID.  False: the header has no room, or no valid value
 * could be made.  Pure.
 */
#ifndef REWRITE_MISSING_FIELDS_H
#define REWRITE_MISSING_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "mail/envelope.h"
#include "mail/header.h"

struct missing_facts {
	const struct envelope *env; /* id, sender, user */
	const char *hostname;
	int64_t wall_ms;
	int32_t utc_offset_s;
	const char *full_name; /* or NULL */
	unsigned *notes; /* rewrite/notes.h; what was guessed is added */
};

/* From: the envelope sender, qualified with the host's name if it has no
 * domain; for the null sender the submitting user, else postmaster.  With the
 * full name, encoded (R14). */
bool missing_add_from(
    struct header *h, const struct missing_facts *f) MUST_CHECK;
bool missing_add_date(
    struct header *h, const struct missing_facts *f) MUST_CHECK;
bool missing_add_message_id(
    struct header *h, const struct missing_facts *f) MUST_CHECK;
/* If the message is resent, adds From, Date and Message-ID that its newest
 * block of Resent- fields lacks, and repairs the Date of the block (RFC 5322
 * 3.6.6).  The other fields of the message do not change. */
bool missing_add_resent(
    struct header *h, const struct missing_facts *f) MUST_CHECK;

#endif
