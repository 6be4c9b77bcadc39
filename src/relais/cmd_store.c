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
#include "relais/relais_move.h"
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
print_findings(const struct relais *r, const struct buf *said)
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
make(struct relais *r, const struct conf *c, const char *what)
{
	struct buf said;
	struct err err;
	int status = RELAIS_DONE;

	buf_init(&said, SAID_MAX);
	if (act(c, what, &said, &err) == 0)
		print_findings(r, &said);
	else
		status = relais_complain(r, RELAIS_FAILED, "%s", err.text);
	buf_clear(&said);
	return status;
}

static int
move(struct relais *r, const struct conf *c, const char *what)
{
	const struct store_module *m;
	struct err err;

	return relais_shared(c, &m, &err) == 0
		   ? relais_move(r, c, m, strcmp(what, "export") == 0)
		   : relais_complain(r, RELAIS_FAILED, "%s", err.text);
}

static const struct {
	const char *name;
	int (*run)(struct relais *r, const struct conf *c, const char *what);
} verbs[] = {
	{ "init", make },
	{ "upgrade", make },
	{ "check", make },
	{ "export", move },
	{ "import", move },
};

static int
run_store(struct relais *r, int argc, char *const *argv)
{
	struct conf *c;
	int status;

	for (size_t i = 0; argc == 1 && i < sizeof(verbs) / sizeof(verbs[0]);
	     i++) {
		if (strcmp(argv[0], verbs[i].name) != 0)
			continue;
		if (relais_conf_load(relais_conf_file(r), true, &c) != 0)
			return RELAIS_FAILED;
		status = verbs[i].run(r, c, argv[0]);
		conf_free(c);
		return status;
	}
	return relais_complain(r, RELAIS_USAGE,
	    "init, upgrade, check, export or import is expected");
}

const struct relais_command cmd_store = {
	.name = "store",
	.args = N_("init|upgrade|check|export|import"),
	.help = N_(
	    "prepares and checks the database that several relays share"),
	.details = N_(
	    "init makes the tables of store = postgres, upgrade brings "
	    "them up to date, and\ncheck says what the database "
	    "promises about mail that was accepted.\n"
	    "export moves all messages into the spool of this machine, while "
	    "no "
	    "relay runs;\nimport moves those of the spool into the database, "
	    "while relaisd does not run here.\nBoth can be broken off and run "
	    "again."),
	.run = run_store,
};
