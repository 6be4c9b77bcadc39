/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines are cut into words as documented, and nothing is expanded
 * (R16). */
#include "tests/lib/check.h"

#include <stdio.h>

#include "cred/argv.h"

static const struct {
	const char *line;
	enum argv_result result;
	const char *words; /* each followed by "|" */
} rows[] = {
	{ "pass show mail", ARGV_OK, "pass|show|mail|" },
	{ "  pass\t show  ", ARGV_OK, "pass|show|" },
	{ "a 'b c' d", ARGV_OK, "a|b c|d|" },
	{ "a \"b 'c' \\\" \\\\\" d", ARGV_OK, "a|b 'c' \" \\|d|" },
	{ "a'b'\"c\"d", ARGV_OK, "abcd|" },
	{ "a '' b", ARGV_OK, "a||b|" },
	{ "a\\ b '\\n'", ARGV_OK, "a b|\\n|" },
	{ "echo $HOME ~ * ; | & `x` $(y)", ARGV_OK,
	    "echo|$HOME|~|*|;|||&|`x`|$(y)|" },
	{ "", ARGV_EMPTY, "" },
	{ " \t ", ARGV_EMPTY, "" },
	{ "a 'b", ARGV_QUOTE, "" },
	{ "a \"b", ARGV_QUOTE, "" },
	{ "a b\\", ARGV_QUOTE, "" },
};

static void
words_are_cut_as_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char **argv = NULL, got[200] = "";
		size_t n = 0, used = 0;

		assert_int_equal(
		    argv_split(rows[i].line, &argv, &n), rows[i].result);
		for (size_t k = 0; k < n; k++)
			used += (size_t)snprintf(
			    got + used, sizeof(got) - used, "%s|", argv[k]);
		assert_string_equal(got, rows[i].words);
		if (argv != NULL)
			assert_null(argv[n]);
		argv_free(argv);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_cut_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
