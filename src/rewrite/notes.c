/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/notes.h"

#include <assert.h>

static const char *const texts[NOTE_COUNT] = {
	[NOTE_NAME] = "blanks or invisible characters removed from the name of "
		      "a header field",
	[NOTE_STRAY] = "header lines that are not fields moved to the body",
	[NOTE_LIST] = "a line behind a list, which is not indented, taken as "
		      "a part of the list",
	[NOTE_DATE_READ] =
	    "Date rewritten as it was meant; the old one is in X-Original-Date",
	[NOTE_DATE_NOW] = "Date replaced by the current time because it could "
			  "not be read; the old one is in X-Original-Date",
	[NOTE_DATE_TWICE] = "a second Date moved to X-Original-Date",
	[NOTE_ID_BRACKETS] = "brackets of the Message-ID corrected; the old "
			     "one is in X-Original-Message-ID",
	[NOTE_ID_NEW] = "Message-ID replaced by a new one; the old one is in "
			"X-Original-Message-ID",
	[NOTE_ID_TWICE] = "a second Message-ID moved to X-Original-Message-ID",
	[NOTE_NUL] = "NUL bytes replaced",
	[NOTE_LONG_WORD] =
	    "a header field with a word longer than a line folded or encoded",
	[NOTE_EMPTY] = "address fields without an address removed",
	[NOTE_WORD] = "bytes over 127 inside encoded words encoded",
	[NOTE_ADDRESS] = "an address taken out of an encoded word",
	[NOTE_COMMA] = "a comma in an address field taken as part of the name "
		       "that follows",
	[NOTE_STRANGER] = "a word that is neither a user nor an alias on this "
			  "machine removed from an address field",
	[NOTE_NOBODY] = "a field that names no recipients rewritten as "
			"\"undisclosed-recipients:;\"",
	[NOTE_BAD] =
	    "text that is not an address removed from an address field",
	[NOTE_RESENT] = "the block of Resent- fields completed",
};

const char *
note_text(enum note n)
{
	assert(n < NOTE_COUNT);
	return texts[n];
}
