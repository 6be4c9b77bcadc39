/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database of store = postgres. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/intl.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "relais/relais_shared.h"
#include "store/store_module.h"

enum { SAID_MAX = 16 * 1024 };

static int
act(const struct conf *c, const char *what, struct buf *said, struct err *err)
{
	const struct store_module *m;

	if (relais_shared(c, &m, err) != 0)
		return -1;
	if (strcmp(what, "init") == 0)
		return m->init(c->store_url, said, err);
	if (strcmp(what, "upgrade") == 0)
		return m->upgrade(c->store_url, said, err);
	return m->check(c->store_url, said, err);
}

static void
tell(const struct relais *r, const struct buf *said)
{
	const char *p = buf_str(said), *lf;
	json_t *all = json_array();

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		char *line = xstrndup(p, (size_t)(lf - p));

		if (relais_is_json(r))
			(void)json_array_append_new(all, json_string(line));
		else
			relais_printf_wrapped(r, 0, "%s", line);
		free(line);
	}
	if (relais_is_json(r))
		relais_print_json(all);
	json_decref(all);
}

static int
run(struct relais *r, int argc, char *const *argv)
{
	const char *file = relais_conf_file(r);
	struct conf *c;
	struct buf said;
	struct err err;
	int status = RELAIS_DONE;

	if (argc != 1 ||
	    (strcmp(argv[0], "init") != 0 && strcmp(argv[0], "upgrade") != 0 &&
		strcmp(argv[0], "check") != 0))
		return relais_complain(
		    r, RELAIS_USAGE, "init, upgrade or check is expected");
	if (relais_conf_load(file, true, &c) != 0)
		return RELAIS_FAILED;
	buf_init(&said, SAID_MAX);
	if (act(c, argv[0], &said, &err) == 0)
		tell(r, &said);
	else
		status = relais_complain(r, RELAIS_FAILED, "%s", err.text);
	buf_clear(&said);
	conf_free(c);
	return status;
}

const struct relais_command cmd_store = {
	.name = "store",
	.args = N_("init|upgrade|check"),
	.help = N_(
	    "prepares and checks the database that several relays share"),
	.details = N_(
	    "init makes the tables of store = postgres, upgrade brings "
	    "them up to date, and\ncheck says what the database "
	    "promises about mail that was accepted."),
	.run = run,
};
