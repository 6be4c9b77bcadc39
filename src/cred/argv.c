/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/argv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/xalloc.h"

/* Takes one word from *in; false: a quote is not closed.  to has room for the
 * rest of the line: unquoting never makes a word longer. */
static bool
take_word(const char **in, char *to)
{
	const char *p = *in;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || !ascii_is_wsp(*p)); p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else if (quote != '\0' && *p == quote) {
			quote = '\0';
		} else if (*p == '\\' && quote != '\'') {
			if (*++p == '\0')
				return false;
			*to++ = *p;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	*in = p;
	return quote == '\0';
}

enum argv_result
argv_split(const char *line, char ***ret, size_t *ret_n)
{
	char **v = xcalloc(strlen(line) / 2 + 2, sizeof(*v));
	size_t n = 0;

	for (;;) {
		while (ascii_is_wsp(*line))
			line++;
		if (*line == '\0')
			break;
		v[n] = xmalloc(strlen(line) + 1);
		if (!take_word(&line, v[n++])) {
			argv_free(v);
			return ARGV_QUOTE;
		}
	}
	if (n == 0) {
		argv_free(v);
		return ARGV_EMPTY;
	}
	*ret = v;
	*ret_n = n;
	return ARGV_OK;
}

void
argv_free(char **argv)
{
	if (argv == NULL)
		return;
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}
