/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rfc2047.h - makes names and words fit for a header (RFC 2047, RFC 5322 3.2).
 *
 * Whatever a full name in the password file, a -F option or the environment
 * contains, the result is printable ASCII without line ends and cannot be read
 * as anything else (R14).  Control characters become blanks, bytes that are not
 * UTF-8 are read as ISO 8859-1, and text that looks like an encoded word is
 * encoded.  Words are short enough to be folded (mail/header.h).
 */
#ifndef MIME_RFC2047_H
#define MIME_RFC2047_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* Names are cut here, at the end of a character. */
enum { RFC2047_TEXT_MAX = 998 };

/* Appends text as UTF-8: bytes that are not UTF-8 are read as ISO 8859-1.  At
 * most twice as long.  False: the buffer is full. */
bool mime_utf8(struct buf *to, struct bytes text) MUST_CHECK;

/* Repairs encoded words that contain bytes over 127, so that they show what
 * forgiving readers have seen in them.  In "Q", the bytes are encoded, in the
 * named charset; in "B", they are left out or, if the rest is no base64, the
 * text is encoded as it stands.  Such bytes next to a word become a word of
 * their own.  Everything else is copied.  value: an unfolded field.  False: the
 * buffer is full; nine times the size is always enough. */
bool rfc2047_mend(struct buf *to, struct bytes value) MUST_CHECK;

/* Decodes the encoded words at the front, if they have the same charset and
 * that charset agrees with ASCII: appends the bytes in that charset.  Returns
 * the length of the text that was decoded, with the blanks after it; 0:
 * nothing. */
size_t rfc2047_decode(
    struct buf *to, struct bytes text, struct bytes *ret_charset) MUST_CHECK;

/* Appends text, which is in that charset, as encoded words. */
bool rfc2047_words_in(
    struct buf *to, struct bytes charset, struct bytes text) MUST_CHECK;

/* Appends text, which is UTF-8 of any length, as encoded words. */
bool rfc2047_words(struct buf *to, struct bytes text) MUST_CHECK;

/* Encodes words with bytes over 127, and words too long for any line.  Words
 * beside them stay as they are, also if they are encoded already.  An encoded
 * word that is too long becomes several.  The text is UTF-8. */
/* fits into a line behind a name of 100 bytes */
enum { RFC2047_WORD_MAX = 890 };
bool rfc2047_mixed(struct buf *to, struct bytes text) MUST_CHECK;

/* Appends unstructured text, as in Subject.  False: the buffer is full. */
bool rfc2047_text(struct buf *to, struct bytes text) MUST_CHECK;

/* Appends "phrase <addr>", or just "addr" if the name is blank.  The phrase is
 * the name as it stands if it is made of atoms, else a quoted string, else
 * encoded words.  False: the buffer is full. */
bool rfc2047_mailbox(
    struct buf *to, struct bytes name, struct bytes addr) MUST_CHECK;

#endif
