/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intl.h"
#include "relais/relais.h"

const struct relais_command cmd_import = {
	.name = "import",
	.args = N_("[msmtp|ssmtp|nullmailer|postfix|exim|dma] [OPTION ...]"),
	.help = N_("takes over the configuration of another mail program"),
	.details = N_(
	    "Without the name of a program it looks for one.\n"
	    "  --from FILE   its configuration, if it is at another place\n"
	    "  --dry-run     show relais.conf and write nothing\n"
	    "  --yes         agree to every question\n"
	    "  --force       write although a server or a login does not work\n"
	    "Shows what it understood, and what relais does in another way.  "
	    "Nothing that the configuration names is run, no secret is shown, "
	    "and the other program stays as it is.\nExit status: 0 done, 1 try "
	    "again later, 2 a person is needed."),
	.run = relais_run_setup,
};
