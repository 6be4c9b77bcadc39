/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "prog/relais.h"

static int
run(struct relais *r, int argc, char *const *argv)
{
	json_t *args = json_object(), *result = NULL;
	int status;

	if (argc > 1 ||
	    (argc == 1 && argv[0][0] == '-' && strcmp(argv[0], "--all") != 0)) {
		json_decref(args);
		return relais_complain(
		    r, RELAIS_USAGE, "name one account, or none for all");
	}
	if (argc == 1 && argv[0][0] != '-')
		(void)json_object_set_new(
		    args, "account", json_string(argv[0]));
	status = relais_ask(r, "flush", args, NULL, NULL, &result);
	if (status == RELAIS_DONE && relais_is_json(r))
		relais_print_json(result);
	json_decref(result);
	return status;
}

const struct relais_command cmd_flush = {
	.name = "flush",
	.args = "[--all | ACCOUNT]",
	.help = "tries everything that waits at once",
	.details =
	    "Accounts that are paused or held try at once too.  Messages that\n"
	    "are held stay so: see \"relais release\".  An ordinary user's\n"
	    "flush is about the messages of that user.",
	.run = run,
};
