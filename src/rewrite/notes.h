/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notes.h - names the repairs that were a guess, for the log and for "relais
 * rewrite".
 *
 * A set of these is an unsigned number, one bit each.  A repair that leaves no
 * doubt needs no note.
 */
#ifndef REWRITE_NOTES_H
#define REWRITE_NOTES_H

enum note {
	NOTE_NAME = 0, /* of a field */
	NOTE_STRAY, /* a line in the header that is no field */
	NOTE_LIST, /* such a line, which belongs to the field before */
	NOTE_DATE_READ,
	NOTE_DATE_NOW,
	NOTE_DATE_TWICE,
	NOTE_ID_BRACKETS,
	NOTE_ID_NEW,
	NOTE_ID_TWICE,
	NOTE_NUL,
	NOTE_LONG_WORD,
	NOTE_EMPTY,
	NOTE_WORD,
	NOTE_ADDRESS,
	NOTE_COMMA, /* in a name without quotes */
	NOTE_STRANGER, /* a word that is no local name */
	NOTE_NOBODY, /* undisclosed recipients */
	NOTE_BAD, /* no address */
	NOTE_RESENT,
	NOTE_COUNT
};
#define NOTE_BIT(note) (1u << (note))

/* The text of a note, without full stop; static. */
const char *note_text(enum note n);

#endif
