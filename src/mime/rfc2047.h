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

/* More of a name than this is cut, at the end of a character. */
enum { RFC2047_TEXT_MAX = 998 };

/* Text in UTF-8, whatever it was: bytes that are not are taken for ISO 8859-1.
 * At most twice as long.  False: the buffer is full. */
bool mime_utf8(struct buf *to, struct bytes text) MUST_CHECK;

/* Encoded words (RFC 2047) that hold bytes over 127, written so that they show
 * what forgiving readers have seen in them: in "Q" the bytes are encoded, in
 * the charset that is named; in "B" they are left out, or, where what is left
 * is no base64, the text is encoded as it stands.  Such bytes that touch a word
 * become a word of their own.  All else is copied.  value: an unfolded field.
 * False: the buffer is full; nine times as large is enough. */
bool rfc2047_mend(struct buf *to, struct bytes value) MUST_CHECK;

/* Decodes the encoded words at the front, if their charsets are one and the
 * same and agree with ASCII: appends the bytes in that charset.  How much of
 * the text it was, with the blanks behind; 0: nothing. */
size_t rfc2047_decode(
    struct buf *to, struct bytes text, struct bytes *ret_charset) MUST_CHECK;

/* Encoded words of bytes in a charset. */
bool rfc2047_words_in(
    struct buf *to, struct bytes charset, struct bytes text) MUST_CHECK;

/* Encoded words, whatever the text is and however long; it is UTF-8. */
bool rfc2047_words(struct buf *to, struct bytes text) MUST_CHECK;

/* Words over 127, or so long that no line could hold them, become encoded ones;
 * those beside them stay as they are, also if they are encoded already.  An
 * encoded one that is too long becomes several.  The text is UTF-8. */
enum { RFC2047_WORD_MAX = 890 }; /* with a name of 100 in front, it fits */
bool rfc2047_mixed(struct buf *to, struct bytes text) MUST_CHECK;

/* Unstructured text, as in Subject.  False: the buffer is full. */
bool rfc2047_text(struct buf *to, struct bytes text) MUST_CHECK;

/* Appends "phrase <addr>", or just "addr" if the name is blank.  The phrase is
 * the name as it stands if it is made of atoms, else a quoted string, else
 * encoded words.  False: the buffer is full. */
bool rfc2047_mailbox(
    struct buf *to, struct bytes name, struct bytes addr) MUST_CHECK;

#endif
