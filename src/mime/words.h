/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - decodes encoded words (RFC 2047) to text.
 *
 * Reads as mail programs do, so that the text they would show can be judged:
 * words inside quotes and comments are decoded too, and blanks between two
 * words are left out.
 *
 * Pure; linear in the length of the text.
 */
#ifndef MIME_WORDS_H
#define MIME_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

enum words_read {
	WORDS_UTF8 = 0, /* the result is UTF-8 if the text was */
	/* The result has undecoded bytes of another character set; ASCII
	 * letters and signs in it are what they seem. */
	WORDS_BYTES,
	WORDS_HIDDEN /* a character set in which ASCII is coded differently */
};

/* Appends the text with its words decoded; what does not fit is left out. */
enum words_read words_read(struct buf *to, struct bytes text);

/* True: something in the text begins like an encoded word. */
bool words_has(struct bytes text);

#endif
