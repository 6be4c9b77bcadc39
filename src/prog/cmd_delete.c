/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/relais_change.h"

static int
run(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "delete", "deleted", argc, argv);
}

const struct relais_command cmd_delete = {
	.name = "delete",
	.args = "--all | ID ...",
	.help = "removes messages for good; nobody is told",
	.details =
	    "A message that is being delivered right now cannot be deleted.",
	.run = run,
};
