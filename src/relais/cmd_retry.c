/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais_change.h"

static int
run(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "retry", "due now", argc, argv);
}

const struct relais_command cmd_retry = {
	.name = "retry",
	.args = "--all | ID ...",
	.help = N_("retries messages now, including held and failed ones"),
	.details =
	    "A failed message is put back into the queue.\n" RELAIS_ID_HELP,
	.run = run,
};
