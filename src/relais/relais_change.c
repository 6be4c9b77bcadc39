/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "relais/relais_ids.h"
#include "sys/language.h"

/* -1: it was said. */
static int
add_id(struct relais *r, json_t *ids, const char *text)
{
	char *id = relais_full_id(r, text);
	int rc = id != NULL ? json_array_append_new(ids, json_string(id)) : -1;

	free(id);
	return rc;
}

/* Done, and *ret is the caller's; or what is the exit status, and it was
 * said. */
static int
args_of(struct relais *r, int argc, char *const *argv, json_t **ret)
{
	json_t *ids = json_array();
	bool is_all = false, is_wrong = false;
	int named = 0, status = RELAIS_DONE;

	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--all") == 0)
			is_all = true;
		else if (argv[i][0] == '-')
			is_wrong = true;
		else
			named++;
	if (is_wrong || is_all == (named > 0))
		status = relais_complain(
		    r, RELAIS_USAGE, "expected the ids of messages, or --all");
	for (int i = 0; i < argc && !is_all && status == RELAIS_DONE; i++)
		if (add_id(r, ids, argv[i]) != 0)
			status = RELAIS_FAILED;
	if (status == RELAIS_DONE)
		*ret = json_pack("{s:b, s:O}", "all", is_all, "ids", ids);
	json_decref(ids);
	return status;
}

bool
relais_confirm(const char *question)
{
	char answer[16];

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	(void)fprintf(stderr, _("%s [y/N] "), question);
	(void)fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	return language_is_yes(answer);
}

static void
print_done(const char *verb, long long n)
{
	unsigned long of = (unsigned long)n;

	if (strcmp(verb, "delete") == 0)
		(void)printf(ngettext("%lld message deleted\n",
				 "%lld messages deleted\n", of),
		    n);
	else if (strcmp(verb, "hold") == 0)
		(void)printf(
		    ngettext("%lld message held\n", "%lld messages held\n", of),
		    n);
	else if (strcmp(verb, "release") == 0)
		(void)printf(ngettext("%lld message released\n",
				 "%lld messages released\n", of),
		    n);
	else
		(void)printf(ngettext("%lld message due now\n",
				 "%lld messages due now\n", of),
		    n);
}

int
relais_change(struct relais *r, const char *verb, int argc, char *const *argv)
{
	json_t *args, *result = NULL;
	const json_t *failed, *one;
	size_t i;
	int status = args_of(r, argc, argv, &args);

	if (status != RELAIS_DONE)
		return status;
	status = relais_ask(r, verb, args, NULL, NULL, &result);
	if (status != RELAIS_DONE)
		return status;
	failed = json_object_get(result, "failed");
	if (relais_is_json(r)) {
		relais_print_json(result);
	} else {
		long long n = relais_number(result, "done");

		if (n > 0 || json_array_size(failed) == 0)
			print_done(verb, n);
		json_array_foreach(failed, i, one)
		{
			char *why = relais_said(one, "error");

			(void)relais_complain(r, RELAIS_FAILED, "%s: %s",
			    relais_string(one, "id"), why);
			free(why);
		}
	}
	if (json_array_size(failed) > 0)
		status = RELAIS_FAILED;
	json_decref(result);
	return status;
}
