/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/intl.h"
#include "relais/relais.h"

/* False: not understood. */
static bool
read_args(int argc, char *const *argv, json_t *to)
{
	if (argc > 1)
		return false;
	if (argc == 0 || strcmp(argv[0], "--all") == 0)
		return true;
	if (strcmp(argv[0], "--gently") == 0)
		(void)json_object_set_new(to, "gently", json_true());
	else if (argv[0][0] == '-')
		return false;
	else
		(void)json_object_set_new(to, "account", json_string(argv[0]));
	return true;
}

static int
run_flush(struct relais *r, int argc, char *const *argv)
{
	json_t *args = json_object(), *result = NULL;
	int status;

	if (!read_args(argc, argv, args)) {
		json_decref(args);
		return relais_complain(r, RELAIS_USAGE,
		    "expected one account, or none for all accounts");
	}
	status = relais_ask(r, "flush", args, NULL, NULL, &result);
	if (status == RELAIS_DONE && relais_is_json(r))
		relais_print_json(result);
	json_decref(result);
	return status;
}

const struct relais_command cmd_flush = {
	.name = "flush",
	.args = N_("[--all | --gently | ACCOUNT]"),
	.help = N_("retries all waiting messages now"),
	.details = N_(
	    "Paused and held accounts are tried too.  With --gently, accounts "
	    "that are\nheld or whose provider's limit is used up are not.  "
	    "Held messages stay\nheld: see \"relais release\".  An ordinary "
	    "user's flush covers the messages\nof that user."),
	.run = run_flush,
};
