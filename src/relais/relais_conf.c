/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/conf.h"
#include "conf/provider.h"
#include "sys/said.h"

static void
print_problems(const struct conf_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		char *text = said(problems->v[i].text);
		struct buf shown;

		buf_init(&shown, 16384);
		IGNORE(str_escape(&shown, bytes_str(text), 4000));
		free(text);
		(void)fprintf(stderr, "relais: %s\n", buf_str(&shown));
		buf_clear(&shown);
	}
}

int
relais_conf_load(const char *file, bool is_loud, struct conf **ret)
{
	char hostname[256] = "";
	struct conf_env env = conf_env_self(false, hostname, sizeof(hostname));
	struct conf_problems problems = { 0 };
	struct conf_paths paths;
	int rc;

	conf_paths_init(&paths, &env);
	rc = conf_load(file != NULL ? file : paths.file, &env, ret, &problems);
	if (rc != 0 && is_loud)
		print_problems(&problems);
	conf_problems_clear(&problems);
	conf_paths_clear(&paths);
	return rc;
}

struct providers *
relais_providers_load(void)
{
	char hostname[256] = "";
	struct conf_env env = conf_env_self(false, hostname, sizeof(hostname));
	struct err err = { 0 };
	struct providers *p = providers_load(&env, geteuid(), &err);

	if (p == NULL)
		(void)fprintf(stderr, "relais: %s\n", err.text);
	return p;
}
