/* SPDX-License-Identifier: GPL-3.0-or-later */
/* field_name.h - what the name of a header field says, and what it was meant to
 * say.
 *
 * Programs and people misspell names, and a name of hidden copies that is not
 * recognised tells everybody who was to be hidden.  So a doubtful name counts
 * as one of those, and any other name must be one that mail has.
 */
#ifndef MAIL_FIELD_NAME_H
#define MAIL_FIELD_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Is it one of these names, or does it begin with one of these?  Case does not
 * matter. */
bool field_name_is_one_of(struct bytes name, const char *const *names,
    size_t nnames, const char *const *prefixes, size_t nprefixes);

/* Is it the name of a field that messages have, as opposed to a line of text
 * with a colon? */
bool field_name_is_known(struct bytes name);

/* Is it a name of hidden copies, as it stands or as people read it: "Bcc" in
 * any spelling, with anything around it ("ResentBcc", "X-Bcc-List", "Bccs",
 * "Bcc?"), with letters of another alphabet that look the same, or the words
 * for it ("Blind copy", "Blind-To")? */
bool field_name_is_bcc(struct bytes name);

/* Of a line that begins with no proper name: the name that it was meant to
 * have, at most FIELD_NAME_GUESS_MAX bytes of it, and where in the line the
 * field's body begins.  False: none that messages have, so the line is text. */
enum { FIELD_NAME_GUESS_MAX = 64 };
bool field_name_guess(struct bytes line, char ret_name[FIELD_NAME_GUESS_MAX],
    size_t *ret_n, size_t *ret_at);

/* The length of a name of hidden copies, with its colon, that this field begins
 * with although no line of it shows one: it is torn or folded, or the colon is
 * missing, and an address follows.  0: it begins with none. */
size_t field_name_bcc_len(struct bytes field);

/* Addresses of ASCII with commas between, each with or without "<" and ">", and
 * nothing else?  Text is more than that. */
bool field_name_is_plain_list(struct bytes value);

#endif
