/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_text.h - the journal of a message as sentences for people.
 *
 * relais show prints them; the journal itself (journal.h) is for programs.
 *
 * Pure.  Any bytes give an answer; text of other hosts is copied as it is, so
 * the caller escapes it.
 */
#ifndef STORE_JOURNAL_TEXT_H
#define STORE_JOURNAL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"

/* Adds the sentence for one line of the journal, without its checksum and LF.
 * env names the recipients.  *ret_wall_ms: when it happened; the line of a
 * recipient has no time of its own and leaves it untouched.  False, and nothing
 * is added: the line says nothing to a person, or is not understood. */
bool journal_text(struct bytes line, const struct envelope *env, struct buf *to,
    int64_t *ret_wall_ms);

#endif
