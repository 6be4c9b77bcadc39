/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "relais/relais_ids.h"
#include "relais/relais_spool.h"
#include "relais/relais_table.h"

enum { WATCH_S = 2 };

static const char *const titles[] = { N_("ID"), N_(">AGE"), N_(">SIZE"),
	N_("NEXT TRY"), N_("ACCOUNT"), N_("FROM"), N_("TO"), N_("RELAY") };

struct listing {
	struct relais *r;
	struct table *table; /* NULL with --json */
	struct short_ids ids; /* of the table's rows */
	char *node; /* of the first of them */
	bool has_nodes; /* several relays have them */
	size_t n;
};

/* "in 5m", "now", or the state that says why there is none. */
static void
add_next(struct table *t, const json_t *row)
{
	const char *state = relais_string(row, "state");
	long long s = relais_number(row, "next_try");
	char when[NUM_TEXT_SIZE];
	char *text;

	if (strcmp(state, "failed") == 0) {
		table_cell(t, COLOUR_BAD, _("failed"));
	} else if (strcmp(state, "held") == 0) {
		table_cell(t, COLOUR_WARN, _("held"));
	} else if (strcmp(state, "active") == 0) {
		table_cell(t, COLOUR_NONE, _("sending"));
	} else if (json_is_null(json_object_get(row, "next_try"))) {
		table_cell(t, COLOUR_NONE, "-");
	} else if (s <= 0) {
		table_cell(t, COLOUR_NONE, _("now"));
	} else {
		text = xasprintf(_("in %s"), relais_duration(s, when));
		table_cell(t, COLOUR_NONE, text);
		free(text);
	}
}

static void
add_rcpts(struct table *t, const json_t *row)
{
	const char *first = json_string_value(
	    json_array_get(json_object_get(row, "recipients"), 0));
	long long n = relais_number(row, "recipient_count");
	char *text;

	if (first == NULL)
		first = "";
	if (n <= 1) {
		table_cell(t, COLOUR_NONE, first);
		return;
	}
	text = xasprintf(_("%s and %lld more"), first, n - 1);
	table_cell(t, COLOUR_NONE, text);
	free(text);
}

static void
add_node(struct listing *l, const char *node)
{
	table_cell(l->table, COLOUR_NONE, *node != '\0' ? node : "-");
	if (l->node == NULL)
		l->node = xstrdup(node);
	l->has_nodes = l->has_nodes || strcmp(l->node, node) != 0;
}

static void
add_row(struct listing *l, const json_t *row)
{
	struct table *t = l->table;
	const char *sender = relais_string(row, "sender");
	const char *account = relais_string(row, "account");
	char *reason = relais_said(row, "reason");
	char text[NUM_TEXT_SIZE];

	table_row(t);
	short_ids_add(&l->ids, relais_string(row, "id"));
	table_cell(t, COLOUR_BOLD, relais_string(row, "id"));
	table_cell(
	    t, COLOUR_NONE, relais_duration(relais_number(row, "age"), text));
	table_cell(t, COLOUR_NONE,
	    num_size_text((uint64_t)relais_number(row, "size"), text));
	add_next(t, row);
	table_cell(t, COLOUR_NONE, *account != '\0' ? account : "-");
	table_cell(t, COLOUR_NONE, *sender != '\0' ? sender : "<>");
	add_rcpts(t, row);
	add_node(l, relais_string(row, "node"));
	if (*reason != '\0')
		table_note(t, COLOUR_NONE, reason);
	free(reason);
}

static void
add_item(void *ctx, json_t *item)
{
	struct listing *l = ctx;

	l->n++;
	if (l->table == NULL)
		relais_list_item(l->r, item);
	else
		add_row(l, item);
}

/* No daemon answers: who may read the spool reads it.  Everybody else is told
 * that the daemon is away, as by every other verb. */
static bool
list_from_disk(struct relais *r, struct listing *l)
{
	struct conf *c = NULL;
	struct err err = { 0 };
	bool ok = false;

	/* A socket alone does not say where the spool is. */
	if (relais_conf_file(r) == NULL && getenv("RELAIS_CONTROL") != NULL)
		return false;
	if (relais_conf_load(relais_conf_file(r), false, &c) != 0)
		return false;
	if (access(c->spool, R_OK | W_OK | X_OK) == 0) {
		ok = relais_spool_list(c, add_item, l, &err) == 0;
		(void)relais_complain(r, RELAIS_DONE, "%s",
		    ok ? N_("relaisd is not running; this list is read from "
			    "its spool")
		       : err.text);
	}
	conf_free(c);
	return ok;
}

/* Daemon or disk, once. */
static int
list(struct relais *r)
{
	struct listing l = { .r = r };
	json_t *result = NULL;
	int status = RELAIS_DONE;

	if (!relais_is_json(r))
		l.table = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	if (relais_has_daemon(r) || !list_from_disk(r, &l))
		status = relais_ask(r, "queue", NULL, add_item, &l, &result);
	if (status == RELAIS_DONE && l.table == NULL) {
		relais_list_end(r);
	} else if (status == RELAIS_DONE && l.n == 0) {
		(void)puts(_("The queue is empty."));
	} else if (status == RELAIS_DONE) {
		table_keep_end(l.table, 0, short_ids_length(&l.ids));
		if (!l.has_nodes &&
		    str_eq(l.node, relais_string(result, "node")))
			table_drop_last(l.table);
		table_print(l.table, r);
	}
	if (*relais_string(result, "unseen") != '\0')
		(void)relais_complain(r, RELAIS_DONE,
		    "what the other relays have is not shown: %s",
		    relais_string(result, "unseen"));
	short_ids_clear(&l.ids);
	table_free(l.table);
	free(l.node);
	json_decref(result);
	return status;
}

/* Until it is interrupted.  A terminal shows the newest list alone. */
static int
watch(struct relais *r)
{
	bool is_terminal = isatty(STDOUT_FILENO) == 1;
	int status;

	for (;;) {
		if (is_terminal)
			(void)fputs("\033[H\033[2J", stdout);
		status = list(r);
		if (status != RELAIS_DONE || fflush(stdout) != 0)
			return status;
		(void)sleep(WATCH_S);
		if (!is_terminal)
			(void)putchar('\n');
	}
}

static int
run_queue(struct relais *r, int argc, char *const *argv)
{
	if (argc == 0)
		return list(r);
	if (argc > 1 || strcmp(argv[0], "--watch") != 0)
		return relais_complain(
		    r, RELAIS_USAGE, "takes --watch only; see \"relais show\"");
	if (relais_is_json(r))
		return relais_complain(
		    r, RELAIS_USAGE, "--watch is for people, without --json");
	return watch(r);
}

const struct relais_command cmd_queue = {
	.name = "queue",
	.args = N_("[--watch]"),
	.help = N_("lists the messages that are waiting, held or failed"),
	.details = N_(
	    "The line below a message shows the latest reply or "
	    "error.\nOf an id the last characters are shown, as many as "
	    "tell the messages apart; every verb takes them.  --json has "
	    "the whole ids.\nWith --watch the list is shown again every "
	    "two seconds.\nWhile relaisd is not running, root and its "
	    "user see what is in the spool."),
	.run = run_queue,
};
