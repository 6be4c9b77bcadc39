/* SPDX-License-Identifier: GPL-3.0-or-later */
/* argv.h - splits a command line of the configuration into words, without a
 * shell.
 *
 *	word   = 1*( plain / "'" *any "'" / dquote *( any / "\" any ) dquote
 *	         / "\" any )
 *
 * Words are separated by blanks.  Nothing is expanded: no variable, no
 * pattern, no "~", no ";" or "|" (R16).  Pure.
 */
#ifndef CRED_ARGV_H
#define CRED_ARGV_H

#include <stddef.h>

#include "base/must.h"

enum argv_result {
	ARGV_OK = 0,
	ARGV_EMPTY, /* no word at all */
	ARGV_QUOTE /* a quote is not closed, or a backslash ends the line */
};

/* *ret is NULL-terminated and belongs to the caller: argv_free(). */
enum argv_result argv_split(
    const char *line, char ***ret, size_t *ret_n) MUST_CHECK;
void argv_free(char **argv);

#endif
