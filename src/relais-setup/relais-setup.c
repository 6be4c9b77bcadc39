/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais-setup - what relais(1) starts for verbs that need HTTP, DNS and XML,
 * so that nothing else links such libraries:
 *
 *	relais-setup VERB [ARGUMENT ...]
 */
#include <stdio.h>
#include <string.h>

#include "base/intl.h"
#include "base/must.h"
#include "relais-setup/verbs.h"
#include "sys/language.h"
#include "sys/privilege.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "setup", setup_main },
	{ "import", import_main },
	{ "check", check_main },
};

int
main(int argc, char **argv)
{
	privilege_bind_calls(argv);
	IGNORE(privilege_hide_memory(NULL) != 0); /* best effort */
	language_choose();
	language_convert_errors();
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]);
	     i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	(void)fputs(_("relais-setup is started by relais(1)\n"), stderr);
	return 2;
}
