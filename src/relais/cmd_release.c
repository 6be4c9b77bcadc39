/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais_change.h"

static int
run_release(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "release", argc, argv);
}

const struct relais_command cmd_release = {
	.name = "release",
	.args = N_("--all | ID ..."),
	.help = N_("releases held messages for delivery"),
	.details = RELAIS_ID_HELP,
	.run = run_release,
};
