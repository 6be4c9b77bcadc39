/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/intl.h"
#include "relais/relais.h"

static int
run_reload(struct relais *r, int argc, char *const *argv)
{
	json_t *result = NULL;
	int status;

	(void)argv;
	if (argc > 0)
		return relais_complain(r, RELAIS_USAGE, "takes no arguments");
	status = relais_ask(r, "reload", NULL, NULL, NULL, &result);
	if (status == RELAIS_DONE && relais_is_json(r))
		relais_print_json(result);
	else if (status == RELAIS_DONE)
		(void)printf(
		    ngettext("reloaded, %lld account\n",
			"reloaded, %lld accounts\n",
			(unsigned long)relais_number(result, "accounts")),
		    relais_number(result, "accounts"));
	json_decref(result);
	return status;
}

const struct relais_command cmd_reload = {
	.name = "reload",
	.args = "",
	.help = N_("makes relaisd read its configuration again"),
	.details = N_(
	    "The same as SIGHUP.  If the configuration has an error, it is "
	    "shown and the old\nconfiguration stays in force."),
	.run = run_reload,
};
