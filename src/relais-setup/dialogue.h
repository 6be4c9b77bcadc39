/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dialogue.h - asks the person at the terminal, and reports progress.
 *
 * Questions have a default that Enter accepts.  A secret is not echoed, and may
 * be longer than the terminal's line limit of 4,096 bytes.  Text from elsewhere
 * is escaped (R79).
 *
 * Blocks.
 */
#ifndef RELAIS_SETUP_DIALOGUE_H
#define RELAIS_SETUP_DIALOGUE_H

#include <stdbool.h>

#include "base/secret.h"

/* True: input and output are a terminal, so a person can be asked. */
bool dialogue_has_person(void);

/* Prints "PROMPT [DEFAULT]: " and returns the answer, for the caller to free;
 * dflt may be NULL.  NULL: the input has ended. */
char *dialogue_ask(const char *prompt, const char *dflt);
/* Prints "QUESTION [Y/n] "; true: yes.  The end of the input is a no. */
bool dialogue_confirm(const char *question);
/* NULL: the input has ended, or the secret is empty or too long. */
struct secret *dialogue_secret(const char *prompt);

/* Prints a line on standard output.  The format is translated, or, if it is
 * "%s" alone, its argument; for the questions above the caller translates.
 * Prints nothing after dialogue_be_quiet(). */
void dialogue_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void dialogue_be_quiet(void);

#endif
