/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/notes.h"

#include <assert.h>

static const char *const texts[NOTE_COUNT] = {
	[NOTE_NAME] = "blanks or invisible characters removed from the name of "
		      "a header field",
	[NOTE_STRAY] = "lines in the header that are no fields moved to the "
		       "body",
};

const char *
note_text(enum note n)
{
	assert(n < NOTE_COUNT);
	return texts[n];
}
