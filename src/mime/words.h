/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - decodes encoded words (RFC 2047) to text.
 *
 * It reads as mail programs do, so that the text they would show can be judged:
 * words inside quotes and comments count too, and blanks between two words are
 * left out.
 *
 * Pure; linear in the length of the text.
 */
#ifndef MIME_WORDS_H
#define MIME_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

enum words_read {
	WORDS_UTF8 = 0, /* all of it is in UTF-8 if the text was */
	/* Bytes of another character set are in it as they stood; letters and
	 * signs of ASCII are what they seem. */
	WORDS_BYTES,
	WORDS_HIDDEN /* a character set in which ASCII looks otherwise */
};

/* Appends the text with its words decoded; what does not fit is left out. */
enum words_read words_read(struct buf *to, struct bytes text);

/* Is there anything that begins like one? */
bool words_has(struct bytes text);

#endif
