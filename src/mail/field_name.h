/* SPDX-License-Identifier: GPL-3.0-or-later */
/* field_name.h - what the name of a header field means, also if it is misspelt.
 *
 * Programs and people misspell names, and a misspelt Bcc that is sent tells
 * everybody the hidden recipients.  So a doubtful name counts as Bcc, and any
 * other name must be one that messages have.  Pure.
 */
#ifndef MAIL_FIELD_NAME_H
#define MAIL_FIELD_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What the addresses of a field are for; a sum of these. */
enum {
	FIELD_RCPTS = 1, /* recipients, of this message or of an answer to it */
	FIELD_TRACE = 2, /* the recipient of an earlier delivery */
	FIELD_AUTHORS = 4,
	FIELD_REQUIRED = 8, /* must not be empty (RFC 5322 3.6.3) */
	FIELD_LISTS = 16, /* programs write one address a line into them */
	FIELD_PHRASES = 32 /* display names are usual there */
};

/* 0: no field of this name holds addresses.  *ret_spelling is the name as it is
 * usually written, static text; ret_spelling may be NULL. */
unsigned field_name_roles(struct bytes name, const char **ret_spelling);

/* True: the name of a field that messages have, as opposed to a line of text
 * with a colon. */
bool field_name_is_known(struct bytes name);

/* True: people would read the name as Bcc: "Bcc" in any spelling, with anything
 * around it ("ResentBcc", "X-Bcc-List", "Bccs", "Bcc?"), with letters of
 * another alphabet that look the same, or the words for it ("Blind copy",
 * "Blind-To"). */
bool field_name_is_bcc(struct bytes name);

/* For a line that does not begin with a valid name: the name that was meant, at
 * most FIELD_NAME_GUESS_MAX bytes, and the offset of the field's body in the
 * line.  False: no name that messages have, so the line is text. */
enum { FIELD_NAME_GUESS_MAX = 64 };
bool field_name_guess(struct bytes line, char ret_name[FIELD_NAME_GUESS_MAX],
    size_t *ret_n, size_t *ret_at);

/* The length of a Bcc name, with its colon, at the front of this field although
 * no single line of the field shows it: the name is torn or folded, or the
 * colon is missing, and an address follows.  0: there is none. */
size_t field_name_bcc_len(struct bytes field);

/* True if value is nothing but addresses: ASCII, without quotes, separated by
 * commas, each with or without "<" and ">". */
bool field_name_is_plain_list(struct bytes value);

#endif
