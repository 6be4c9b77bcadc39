/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_text.h - the journal of a message as sentences for people.
 *
 * relais show prints the sentences; journal.h is for programs.
 *
 * Pure.  Any input gives an answer.  Text from other hosts is copied as it is,
 * so the caller escapes it.
 */
#ifndef STORE_JOURNAL_TEXT_H
#define STORE_JOURNAL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"

/* Appends the sentence for one line of the journal, without its checksum and
 * LF.  env names the recipients.  *ret_wall_ms: when the event happened; a line
 * about a recipient has no time and leaves it unchanged.  False: nothing was
 * appended, because the line is not understood or says nothing to a person. */
bool journal_text(struct bytes line, const struct envelope *env, struct buf *to,
    int64_t *ret_wall_ms);

#endif
