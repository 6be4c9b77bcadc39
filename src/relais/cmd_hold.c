/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais_change.h"

static int
run_hold(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "hold", argc, argv);
}

const struct relais_command cmd_hold = {
	.name = "hold",
	.args = N_("--all | ID ..."),
	.help = N_("keeps messages in the queue until they are released"),
	.details = N_("A message that is being delivered right now finishes "
		      "its attempt first.\nAn ID may be cut to its last "
		      "characters, as relais queue shows it."),
	.run = run_hold,
};
