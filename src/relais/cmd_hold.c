/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais_change.h"

static int
run(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "hold", "held", argc, argv);
}

const struct relais_command cmd_hold = {
	.name = "hold",
	.args = "--all | ID ...",
	.help = N_("keeps messages in the queue until they are released"),
	.details = "A message that is being delivered right now finishes its "
		   "attempt first.\n" RELAIS_ID_HELP,
	.run = run,
};
