/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais_change.h"

static int
run_retry(struct relais *r, int argc, char *const *argv)
{
	return relais_change(r, "retry", argc, argv);
}

const struct relais_command cmd_retry = {
	.name = "retry",
	.args = N_("--all | ID ..."),
	.help = N_("retries messages now, including held and failed ones"),
	.details = N_("A failed message is put back into the queue.\n"
		      "An ID may be cut to its last characters, as relais "
		      "queue shows it."),
	.run = run_retry,
};
