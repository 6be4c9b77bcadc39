/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ispdb-convert - turns files of Thunderbird's database into rows of the form
 * of src/conf/providers; for "make ispdb". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "relais-setup/autoconfig.h"

static bool
read_file(const char *name, struct buf *to)
{
	FILE *f = fopen(name, "rb");
	bool is_good = f != NULL;
	size_t n;
	char *p;

	while (is_good && (p = buf_space(to, 4096)) != NULL &&
	       (n = fread(p, 1, 4096, f)) > 0)
		buf_added(to, n);
	if (f != NULL)
		(void)fclose(f); /* only read */
	return is_good;
}

/* Only two forms of login can be written in a row. */
static const char *
login_of(const struct autoconfig *a)
{
	return str_eq(a->user, "%EMAILLOCALPART%") ? "local" : "addr";
}

static void
print(const struct autoconfig *a)
{
	(void)printf("%s %s", a->domains.v[0], a->host);
	for (size_t i = 0; i < a->nports; i++)
		(void)printf(" %d %c", a->ports[i].port,
		    a->ports[i].tls == CONF_TLS_IMPLICIT ? 'I' : 'S');
	(void)printf(" %s %s force\n", login_of(a),
	    a->takes_password ? "password" : "oauth:own");
	if (a->name != NULL)
		(void)printf("    name=%s\n", a->name);
	/* A provider that hosts other domains lists the domains of its
	 * servers there. */
	for (size_t i = 0; i < a->domains.n; i++)
		(void)printf("    domains=%s\n    mx=%s\n", a->domains.v[i],
		    a->domains.v[i]);
	if (a->page != NULL)
		(void)printf("    page=%s\n", a->page);
}

int
main(int argc, char **argv)
{
	int bad = 0;

	(void)puts(
	    "# Made by \"make ispdb\" from Thunderbird's database of "
	    "providers.\n# This Source Code Form is subject to the terms "
	    "of the Mozilla Public License,\n# v. 2.0: "
	    "https://mozilla.org/MPL/2.0/");
	for (int i = 1; i < argc; i++) {
		struct autoconfig a;
		struct err err = { 0 };
		struct buf xml;

		buf_init(&xml, AUTOCONFIG_MAX + 4096);
		if (!read_file(argv[i], &xml)) {
			(void)fprintf(stderr, "%s: cannot be read\n", argv[i]);
			bad = 1;
		} else if (autoconfig_parse(buf_bytes(&xml), &a, &err) != 0) {
			(void)fprintf(
			    stderr, "%s: left out: %s\n", argv[i], err.text);
		} else {
			if (a.domains.n > 0)
				print(&a);
			autoconfig_clear(&a);
		}
		buf_clear(&xml);
	}
	return bad;
}
