/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/database.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/spool.h"
#include "store/store_module.h"

size_t
database_ask(const char *sql)
{
	char *command = xasprintf("psql '%s' -v ON_ERROR_STOP=1 -qAtc \"%s\"",
	    getenv("TEST_STORE"), sql);
	FILE *f = popen(command, "r");
	unsigned long n = 0;

	if (f == NULL || (fscanf(f, "%lu", &n) == EOF && ferror(f)) ||
	    pclose(f) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
	free(command);
	return n;
}

void
database_empty(void)
{
	(void)database_ask("DELETE FROM relais_message;"
			   "DELETE FROM relais_body;"
			   "DELETE FROM relais_node;"
			   "DELETE FROM relais_request;"
			   "DELETE FROM relais_shared;"
			   "DELETE FROM relais_history");
}

int
database_open(const char *node, const char *dir, const struct fs *fs,
    const struct clock *clock, struct store **ret, struct err *err)
{
	const struct store_module *m;
	struct store_module_opts o = {
		.url = getenv("TEST_STORE"), .name = node, .clock = clock
	};

	if (store_module_load("postgres", &m, err) != 0 ||
	    spool_open(dir, fs, &o.here, err) != 0)
		return -1;
	if (m->open(&o, ret, err) == 0)
		return 0;
	store_free(o.here);
	return -1;
}
