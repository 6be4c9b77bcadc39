/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/notes.h"

#include <assert.h>

static const char *const texts[NOTE_COUNT] = {
	[NOTE_NAME] = "blanks or invisible characters removed from the name of "
		      "a header field",
	[NOTE_STRAY] = "lines in the header that are no fields moved to the "
		       "body",
	[NOTE_DATE_READ] = "Date written anew, as it was meant; the old one is "
			   "in X-Original-Date",
	[NOTE_DATE_NOW] = "Date replaced by now, for it could not be read; the "
			  "old one is in X-Original-Date",
	[NOTE_DATE_TWICE] = "a second Date moved to X-Original-Date",
	[NOTE_ID_BRACKETS] =
	    "brackets of the Message-ID mended; the old one is "
	    "in X-Original-Message-ID",
	[NOTE_ID_NEW] = "Message-ID replaced by a new one; the old one is in "
			"X-Original-Message-ID",
	[NOTE_ID_TWICE] = "a second Message-ID moved to X-Original-Message-ID",
	[NOTE_NUL] = "NUL bytes replaced",
	[NOTE_LONG_WORD] = "a header field with a word that no line can hold "
			   "folded or encoded",
	[NOTE_EMPTY] = "fields for addresses without any removed",
	[NOTE_WORD] = "bytes over 127 in encoded words encoded",
	[NOTE_ADDRESS] = "an address taken out of an encoded word",
	[NOTE_COMMA] = "a comma in a field of addresses taken for a part of "
		       "the name behind it",
	[NOTE_STRANGER] = "a word that is neither a user nor an alias of this "
			  "machine left out of a field of addresses",
	[NOTE_NOBODY] = "a field that names no recipients written as "
			"\"undisclosed-recipients:;\"",
	[NOTE_BAD] = "text that is no address left out of a field of addresses",
	[NOTE_RESENT] = "the block of Resent- fields completed",
};

const char *
note_text(enum note n)
{
	assert(n < NOTE_COUNT);
	return texts[n];
}
