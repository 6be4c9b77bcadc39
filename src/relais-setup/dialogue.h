/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dialogue.h - asks the person at the terminal, and tells what happens.
 *
 * Questions have a default that Enter takes.  A secret is not shown, and the
 * terminal's limit of 4,096 bytes a line does not apply to it.  Text from
 * elsewhere is escaped (R79).
 *
 * Blocks.
 */
#ifndef RELAIS_SETUP_DIALOGUE_H
#define RELAIS_SETUP_DIALOGUE_H

#include <stdbool.h>

#include "base/secret.h"

/* A person can be asked: input and output are a terminal. */
bool dialogue_has_person(void);

/* "PROMPT [DEFAULT]: "; dflt may be NULL.  NULL: the input has ended.  The
 * caller frees it. */
char *dialogue_ask(const char *prompt, const char *dflt);
/* "QUESTION [Y/n] "; the end of the input is a no. */
bool dialogue_confirm(const char *question);
/* NULL: the input has ended, it is empty or too long. */
struct secret *dialogue_secret(const char *prompt);

/* A line on standard output, the format translated, and with "%s" alone what
 * stands for it; the questions above are translated by the caller.  After
 * dialogue_be_quiet(), nothing. */
void dialogue_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void dialogue_be_quiet(void);

#endif
