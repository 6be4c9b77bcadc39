/* SPDX-License-Identifier: GPL-3.0-or-later */
/* language.h - has a program speak the language of the person who runs it.
 *
 * Only LC_MESSAGES is set: numbers, dates and what scripts read stay as they
 * are.  All text in the program is UTF-8; where the locale has another
 * character set, what goes out is converted.  Without a catalogue for the
 * language all of this does nothing, and every text is English, byte for byte.
 */
#ifndef SYS_LANGUAGE_H
#define SYS_LANGUAGE_H

#include <locale.h>
#include <stdbool.h>

/* Once, before the first text.  Reads the environment and the catalogue. */
void language_choose(void);

/* For a daemon, which itself goes on in English but writes to a person: learns
 * the language of the environment, once and before a sandbox, for
 * said_to_person() (said.h). */
void language_learn(void);
/* (locale_t)0: it is English, or there is no catalogue. */
locale_t language_learnt(void);

/* For a server that speaks to each person in their language: what there is a
 * catalogue for, without a locale of that language.  Once, before there are
 * threads; changes the environment.  language_speak() is for the calling
 * thread, and returns what it speaks from then on. */
enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH, LANGUAGES };
extern const char *const language_tags[LANGUAGES]; /* "en", "fr" */
void language_offer(void);
enum language language_speak(enum language l);

/* From here on standard error, and standard output too, are in the locale's
 * character set.  JSON is UTF-8 everywhere: for it, do not call the second. */
void language_convert_errors(void);
void language_convert_output(void);

/* "5m", "3d" with the language's letter for days; text itself, changed. */
char *language_duration(char *text);
/* And back: what a person has typed, in their letters or these. */
char *language_duration_typed(char *text);

/* Does it begin with a letter that means yes, there or in English? */
bool language_is_yes(const char *answer);

#endif
