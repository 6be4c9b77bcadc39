/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailbox.h - writes a mailbox with its display name and an address.
 *
 * A name that is valid in a field stays as it was written: atoms, dots, quoted
 * strings and encoded words (RFC 5322 3.2.5, RFC 2047).  Any other name is
 * encoded (mime/rfc2047.h); bytes that are not UTF-8 are read as ISO 8859-1.  A
 * comment serves as the name where there is none: "root (Cron Daemon)".
 *
 * Pure.
 */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/addr_list.h"

/* True: the field, of which it is the only mailbox, shows the same one address
 * to every reader, also to one that decodes encoded words first, does not know
 * quotes, or looks for the first "@" or "<".  A name that repeats the address
 * is allowed. */
bool mailbox_is_plain(const struct addr_item *it, struct bytes field);

/* As mailbox_add(), but with a name for which mailbox_is_plain() is true: "boss
 * at example.com".  A name that cannot be read is left out. */
bool mailbox_add_plain(
    struct buf *to, const struct addr_item *it, struct bytes addr) MUST_CHECK;

/* Appends the mailbox with this address.  The text of it was unfolded before it
 * was parsed.  False: the buffer is full. */
bool mailbox_add(
    struct buf *to, const struct addr_item *it, struct bytes addr) MUST_CHECK;

/* Appends the list, with addresses in encoded words (not allowed: RFC 2047 5)
 * decoded: a member that consists of words only, and the text between "<" and
 * ">".  Names stay encoded; everything else is copied.  *ret_found: there were
 * such addresses.  False: the buffer is full; 16 times the size is always
 * enough. */
bool mailbox_decode_list(
    struct buf *to, struct bytes list, bool *ret_found) MUST_CHECK;

#endif
