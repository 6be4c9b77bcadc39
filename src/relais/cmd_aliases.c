/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/intl.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/setting.h"
#include "mail/addr.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"

enum {
	INDENT = 4, /* of what a line goes on with */
	TARGETS_MAX = 4 * 1024 * 1024 /* as a file may have */
};

/* What one run works with. */
struct look {
	char *file;
	struct conf *conf; /* NULL: closed to us; then without admin */
	struct alias_opts opts;
	struct aliases *aliases;
	struct conf_problems problems;
};

/* Everybody may read the aliases, but not always the configuration. */
static bool
look_begin(struct relais *r, struct look *l)
{
	const char *file = relais_conf_file(r);

	*l = (struct look) { 0 };
	if (relais_conf_load(file, file != NULL, &l->conf) == 0)
		l->opts = alias_opts_of(l->conf);
	else if (file != NULL)
		return false;
	l->file = xstrdup(l->conf != NULL
			      ? l->conf->aliases
			      : setting_find(SETTING_RELAIS, "aliases")->dflt);
	l->aliases = alias_load(l->file, &l->problems);
	return true;
}

static void
look_end(struct look *l)
{
	alias_free(l->aliases);
	conf_problems_clear(&l->problems);
	conf_free(l->conf);
	free(l->file);
}

static json_t *
problems_json(const struct look *l)
{
	json_t *all = json_array();

	for (size_t i = 0; i < l->problems.n; i++) {
		const struct conf_problem *p = &l->problems.v[i];

		(void)json_array_append_new(all,
		    json_pack("{s:i, s:s}", "line", p->line, "text", p->text));
	}
	return all;
}

static json_t *
targets_json(const struct look *l, const char *name)
{
	struct addr_list to = { 0 };
	json_t *all = json_array();

	IGNORE(alias_resolve(l->aliases, &l->opts, name, &to)); /* none: [] */
	for (size_t i = 0; i < to.n; i++)
		(void)json_array_append_new(all, json_string(to.items[i].addr));
	addr_list_clear(&to);
	return all;
}

static void
print_targets(const struct relais *r, const char *name, const json_t *to)
{
	size_t i;
	json_t *one;
	struct buf all;

	if (json_array_size(to) == 0) {
		(void)printf("%s%s", name, _(": "));
		relais_print_wrapped(r, COLOUR_BAD, INDENT, _("nobody"));
		return;
	}
	buf_init(&all, TARGETS_MAX);
	IGNORE(buf_addf(&all, "%s:", name));
	json_array_foreach(to, i, one) IGNORE(
	    buf_addf(&all, "%s %s", i > 0 ? "," : "", json_string_value(one)));
	relais_print_wrapped(r, COLOUR_NONE, INDENT, buf_str(&all));
	buf_clear(&all);
}

static bool
are_names(const struct relais *r, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '\0' || argv[i][0] == '-' ||
		    !addr_is_safe(bytes_str(argv[i]))) {
			(void)relais_complain(r, RELAIS_USAGE,
			    "\"%s\" is not a valid local name", argv[i]);
			return false;
		}
	return true;
}

static void
tell_count(const struct relais *r, const struct look *l)
{
	size_t n = alias_count(l->aliases);

	if (access(l->file, F_OK) != 0 && errno == ENOENT)
		relais_printf_wrapped(r, INDENT,
		    "%s: no such file, so mail for local names goes to %s",
		    l->file,
		    l->opts.admin != NULL ? l->opts.admin
					  : _("nobody: set admin in [relais]"));
	else
		relais_printf_wrapped(r, INDENT,
		    ngettext("%s: no errors, %zu name",
			"%s: no errors, %zu names", n),
		    l->file, n);
}

static void
print_answers(
    const struct relais *r, const struct look *l, int argc, char *const *argv)
{
	for (size_t i = 0; i < l->problems.n; i++)
		(void)relais_complain(
		    r, RELAIS_FAILED, "%s", l->problems.v[i].text);
	if (argc == 0 && l->problems.n == 0)
		tell_count(r, l);
	for (int i = 0; i < argc; i++) {
		json_t *to = targets_json(l, argv[i]);

		print_targets(r, argv[i], to);
		json_decref(to);
	}
}

static void
tell_json(const struct look *l, int argc, char *const *argv)
{
	json_t *names = json_object();
	json_t *all = json_pack("{s:s, s:i, s:o, s:o}", "file", l->file,
	    "count", (int)alias_count(l->aliases), "problems", problems_json(l),
	    "names", names);

	for (int i = 0; i < argc; i++)
		(void)json_object_set_new(
		    names, argv[i], targets_json(l, argv[i]));
	relais_print_json(all);
	json_decref(all);
}

static int
run_aliases(struct relais *r, int argc, char *const *argv)
{
	struct look l;
	int status;

	if (!are_names(r, argc, argv))
		return RELAIS_USAGE;
	if (!look_begin(r, &l))
		return RELAIS_FAILED;
	if (relais_is_json(r))
		tell_json(&l, argc, argv);
	else
		print_answers(r, &l, argc, argv);
	status = l.problems.n > 0 ? RELAIS_FAILED : RELAIS_DONE;
	look_end(&l);
	return status;
}

const struct relais_command cmd_aliases = {
	.name = "aliases",
	.args = N_("[NAME ...]"),
	.help = N_(
	    "checks the aliases file; shows who receives mail for a name"),
	.details = N_("Every problem is reported with its line.  relaisd "
		      "notices changes of the file\nby itself."),
	.run = run_aliases,
};
