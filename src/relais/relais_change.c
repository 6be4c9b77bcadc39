/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_change.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NULL: wrong usage, and it was said. */
static json_t *
args_of(const struct relais *r, int argc, char *const *argv)
{
	json_t *ids = json_array();
	bool is_all = false;

	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--all") == 0)
			is_all = true;
		else if (argv[i][0] == '-' ||
			 json_array_append_new(ids, json_string(argv[i])) != 0)
			goto usage;
	if (is_all == (json_array_size(ids) > 0))
		goto usage;
	return json_pack("{s:b, s:o}", "all", is_all, "ids", ids);
usage:
	json_decref(ids);
	(void)relais_complain(
	    r, RELAIS_USAGE, "expected the ids of messages, or --all");
	return NULL;
}

bool
relais_confirm(const char *question)
{
	char answer[16];

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	(void)fprintf(stderr, "%s [y/N] ", question);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

int
relais_change(struct relais *r, const char *verb, const char *done, int argc,
    char *const *argv)
{
	json_t *args = args_of(r, argc, argv), *result = NULL;
	const json_t *failed, *one;
	size_t i;
	int status;

	if (args == NULL)
		return RELAIS_USAGE;
	status = relais_ask(r, verb, args, NULL, NULL, &result);
	if (status != RELAIS_DONE)
		return status;
	failed = json_object_get(result, "failed");
	if (relais_is_json(r)) {
		relais_print_json(result);
	} else {
		long long n = relais_number(result, "done");

		if (n > 0 || json_array_size(failed) == 0)
			(void)printf(
			    "%lld message%s %s\n", n, n == 1 ? "" : "s", done);
		json_array_foreach(failed, i, one)(void)
		    relais_complain(r, RELAIS_FAILED, "%s: %s",
			relais_string(one, "id"), relais_string(one, "error"));
	}
	if (json_array_size(failed) > 0)
		status = RELAIS_FAILED;
	json_decref(result);
	return status;
}
