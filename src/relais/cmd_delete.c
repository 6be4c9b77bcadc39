/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "relais/relais_change.h"

static int
run_delete(struct relais *r, int argc, char *const *argv)
{
	char **words = xcalloc((size_t)argc + 1, sizeof(char *));
	bool is_all = false, is_sure = false;
	int n = 0, status;

	for (int i = 0; i < argc; i++) {
		is_all = is_all || strcmp(argv[i], "--all") == 0;
		if (strcmp(argv[i], "--yes") == 0)
			is_sure = true;
		else
			words[n++] = argv[i];
	}
	if (is_all && !is_sure &&
	    !relais_confirm(
		_("Delete all messages that are waiting, held or failed?")))
		status = relais_complain(
		    r, RELAIS_FAILED, "nothing was deleted");
	else
		status = relais_change(r, "delete", n, words);
	free(words);
	return status;
}

const struct relais_command cmd_delete = {
	.name = "delete",
	.args = N_("--all [--yes] | ID ..."),
	.help = N_("removes messages permanently, without telling the sender"),
	.details = N_(
	    "A message that is being delivered right now cannot be "
	    "deleted.\nWith --all, asks for confirmation at a "
	    "terminal; --yes skips the question.\nAn ID may be cut to "
	    "its last characters, as relais queue shows it."),
	.run = run_delete,
};
