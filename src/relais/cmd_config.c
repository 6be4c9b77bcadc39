/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"

enum { INDENT = 4 }; /* of what a line goes on with */

/* Foreign text between two words of ours, on a line of its own. */
static void
print_line(const struct relais *r, const char *before, const char *text,
    const char *after)
{
	struct buf b;

	buf_init(&b, 4 * 4096 + 4);
	IGNORE(str_escape(&b, bytes_str(text), 4096));
	relais_printf_wrapped(r, INDENT, "%s%s%s", before, buf_str(&b), after);
	buf_clear(&b);
}

static void
print_section(const struct relais *r, const json_t *section)
{
	json_t *values = json_object_get(section, "settings");
	const char *name = relais_string(section, "name");
	const char *key;
	json_t *value;

	char *before = xasprintf(
	    "[%s%s", relais_string(section, "kind"), *name != '\0' ? " " : "");

	(void)putchar('\n');
	print_line(r, before, name, "]");
	free(before);
	json_object_foreach(values, key, value)
	{
		before = xasprintf("%s = ", key);
		print_line(r, before, json_string_value(value), "");
		free(before);
	}
}

static void
print_config(const struct relais *r, const json_t *config)
{
	const json_t *sections = json_object_get(config, "sections"), *one;
	size_t i;

	print_line(r, "# ", relais_string(config, "file"),
	    _(", with defaults and presets; secrets are not shown"));
	json_array_foreach(sections, i, one) print_section(r, one);
}

/* With -c the file is read here, as the daemon would read it; else the daemon
 * is asked what it works by. */
static int
run_config(struct relais *r, int argc, char *const *argv)
{
	const char *file = relais_conf_file(r);
	json_t *config = NULL;
	struct conf *c = NULL;
	int status = RELAIS_DONE;

	(void)argv;
	if (argc > 0)
		return relais_complain(r, RELAIS_USAGE, "takes no arguments");
	if (file == NULL) {
		status = relais_ask(r, "config", NULL, NULL, NULL, &config);
	} else if (relais_conf_load(file, true, &c) != 0) {
		status = RELAIS_FAILED;
	} else {
		config = config_json(c);
		conf_free(c);
	}
	if (status != RELAIS_DONE)
		return status;
	if (relais_is_json(r))
		relais_print_json(config);
	else
		print_config(r, config);
	json_decref(config);
	return RELAIS_DONE;
}

const struct relais_command cmd_config = {
	.name = "config",
	.args = "",
	.help = N_("prints the configuration in force, without secrets"),
	.details = N_("With -c FILE, reads that file.  Otherwise asks the "
		      "daemon, which answers\nonly root and its own user."),
	.run = run_config,
};
