/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "prog/relais.h"
#include "prog/relais_table.h"

static const char *const titles[] = { "ID", ">AGE", ">SIZE", "NEXT TRY",
	"ACCOUNT", "FROM", "TO" };

struct listing {
	struct relais *r;
	struct table *table; /* NULL with --json */
	size_t n;
};

/* "in 5m", "now", or the state that says why there is none. */
static void
add_next(struct table *t, const json_t *item)
{
	const char *state = relais_string(item, "state");
	long long s = relais_number(item, "next_try");
	char when[NUM_TEXT_SIZE];
	char *text;

	if (strcmp(state, "failed") == 0) {
		table_cell(t, COLOUR_BAD, "failed");
	} else if (strcmp(state, "held") == 0) {
		table_cell(t, COLOUR_WARN, "held");
	} else if (strcmp(state, "active") == 0) {
		table_cell(t, COLOUR_NONE, "sending");
	} else if (!json_is_integer(json_object_get(item, "next_try"))) {
		table_cell(t, COLOUR_NONE, "-");
	} else if (s <= 0) {
		table_cell(t, COLOUR_NONE, "now");
	} else {
		text = xasprintf("in %s", num_duration_text(s * 1000, when));
		table_cell(t, COLOUR_NONE, text);
		free(text);
	}
}

static void
add_rcpts(struct table *t, const json_t *item)
{
	const json_t *all = json_object_get(item, "recipients");
	const char *first = json_string_value(json_array_get(all, 0));
	long long n = relais_number(item, "recipient_count");
	char *text;

	if (first == NULL)
		first = "";
	text = n > 1 ? xasprintf("%s and %lld more", first, n - 1)
		     : xstrdup(first);
	table_cell(t, COLOUR_NONE, text);
	free(text);
}

static void
add_item(void *ctx, const json_t *item)
{
	struct listing *l = ctx;
	const char *sender = relais_string(item, "sender");
	const char *account = relais_string(item, "account");
	const char *reason = relais_string(item, "reason");
	char text[NUM_TEXT_SIZE];

	l->n++;
	if (l->table == NULL) {
		relais_list_item(l->r, item);
		return;
	}
	table_row(l->table);
	table_cell(l->table, COLOUR_BOLD, relais_string(item, "id"));
	table_cell(l->table, COLOUR_NONE,
	    num_duration_text(relais_number(item, "age") * 1000, text));
	table_cell(l->table, COLOUR_NONE,
	    num_size_text((uint64_t)relais_number(item, "size"), text));
	add_next(l->table, item);
	table_cell(l->table, COLOUR_NONE, *account != '\0' ? account : "-");
	table_cell(l->table, COLOUR_NONE, *sender != '\0' ? sender : "<>");
	add_rcpts(l->table, item);
	if (*reason != '\0')
		table_note(l->table, COLOUR_NONE, reason);
}

static int
run(struct relais *r, int argc, char *const *argv)
{
	struct listing l = { .r = r };
	int status;

	(void)argv;
	if (argc > 0)
		return relais_complain(
		    r, RELAIS_USAGE, "takes no arguments; see \"relais show\"");
	if (!relais_is_json(r))
		l.table = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	status = relais_ask(r, "queue", NULL, add_item, &l, NULL);
	if (status == RELAIS_DONE && l.table == NULL)
		relais_list_end(r);
	else if (status == RELAIS_DONE && l.n == 0)
		(void)puts("The queue is empty.");
	else if (status == RELAIS_DONE)
		table_print(l.table, r);
	table_free(l.table);
	return status;
}

const struct relais_command cmd_queue = {
	.name = "queue",
	.args = "",
	.help = "lists the messages that wait, are held or have failed",
	.details = "Below a message stands what was said about it last.",
	.run = run,
};
