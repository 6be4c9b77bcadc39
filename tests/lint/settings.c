/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings - prints the option table for tests/lint/options: section, name,
 * default, help, with tabs between.  Folders chosen by configure are shown as
 * the manual pages have them. */
#include <stdio.h>
#include <string.h>

#include "conf/setting.h"

static void
print_default(const char *text)
{
	static const struct {
		const char *here, *manual;
	} dirs[] = { { RELAIS_RUN_DIR, "/run/relais" },
		{ RELAIS_SPOOL_DIR, "/var/spool/relais" } };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		size_t n = strlen(dirs[i].here);

		if (strncmp(text, dirs[i].here, n) == 0) {
			(void)printf("%s%s", dirs[i].manual, text + n);
			return;
		}
	}
	(void)fputs(text, stdout);
}

int
main(void)
{
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *st = &settings[i];

		(void)printf(
		    "%s\t%s\t", setting_section_name(st->section), st->name);
		print_default(st->dflt != NULL ? st->dflt : "");
		(void)printf("\t%s\n", st->help);
	}
	return 0;
}
