/* SPDX-License-Identifier: GPL-3.0-or-later */
/* language.h - makes a program speak the language of the person who runs it.
 *
 * Only LC_MESSAGES is set: numbers, dates and everything that scripts read stay
 * as they are.  All text in the program is UTF-8; if the locale has another
 * character set, output is converted.  Without a catalogue for the language
 * these functions do nothing, and every text is English, byte for byte.
 */
#ifndef SYS_LANGUAGE_H
#define SYS_LANGUAGE_H

#include <locale.h>
#include <stdbool.h>

/* Once, before the first text.  Reads the environment and the catalogue. */
void language_choose(void);

/* For a daemon, which itself continues in English but writes to a person:
 * learns the language of the environment for said_to_person() (said.h).  Once,
 * before a sandbox. */
void language_learn(void);
/* The language that was learnt.  (locale_t)0: English, or there is no
 * catalogue. */
locale_t language_learnt(void);

/* For a server that speaks to each person in their own language.
 * language_offer() finds the available catalogues, once, before there are
 * threads; it changes the environment.  language_speak() sets the language of
 * the calling thread, and returns the language that the thread speaks from then
 * on. */
enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH, LANGUAGES };
extern const char *const language_tags[LANGUAGES]; /* "en", "fr" */
void language_offer(void);
enum language language_speak(enum language l);

/* From here on standard error, and standard output as well, are in the locale's
 * character set.  JSON is always UTF-8: a program that writes it must not call
 * the second one. */
void language_convert_errors(void);
void language_convert_output(void);

/* Replaces the letter for days in "5m", "3d" by the language's.  Returns text,
 * which is changed. */
char *language_duration(char *text);
/* The reverse, for what a person typed in the language's letters or in
 * English. */
char *language_duration_typed(char *text);

/* True: the answer begins with a letter that means yes, in the language or in
 * English. */
bool language_is_yes(const char *answer);

#endif
