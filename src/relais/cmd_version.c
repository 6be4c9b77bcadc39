/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include <stdio.h>

#include "base/intl.h"
#include "relais/relais.h"

static int
run_version(struct relais *r, int argc, char *const *argv)
{
	json_t *v;

	(void)argv;
	if (argc > 0)
		return relais_complain(r, RELAIS_USAGE, "takes no arguments");
	if (!relais_is_json(r)) {
		(void)printf("relais %s\n", PACKAGE_VERSION);
		return RELAIS_DONE;
	}
	v = json_pack("{s:s}", "version", PACKAGE_VERSION);
	relais_print_json(v);
	json_decref(v);
	return RELAIS_DONE;
}

const struct relais_command cmd_version = {
	.name = "version",
	.args = "",
	.help = N_("prints the version of relais"),
	.details = N_("\"relais status\" shows the version of the daemon."),
	.run = run_version,
};
