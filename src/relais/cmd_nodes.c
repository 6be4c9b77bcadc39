/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relays that share a queue, as the database knows them. */
#include <stdio.h>

#include "base/err.h"
#include "base/intl.h"
#include "base/num.h"
#include "conf/conf.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "relais/relais_shared.h"
#include "store/store_module.h"

struct list {
	struct relais *r;
	size_t n;
};

static const char *
state_of(const struct store_node *n)
{
	return n->is_dead   ? N_("gone")
	       : n->is_late ? N_("silent")
			    : N_("running");
}

static void
print(const struct relais *r, const struct store_node *n)
{
	char heard[NUM_TEXT_SIZE];

	relais_print(
	    r, n->is_dead || n->is_late ? COLOUR_WARN : COLOUR_NONE, n->name);
	(void)printf(_("  %s, heard %s ago, %lu messages\n"), _(state_of(n)),
	    num_duration_text(n->silent_ms, heard), (unsigned long)n->messages);
}

static void
each(void *ctx, const struct store_node *n)
{
	struct list *l = ctx;
	json_t *item;

	l->n++;
	if (!relais_is_json(l->r)) {
		print(l->r, n);
		return;
	}
	item = json_pack("{s:I, s:s, s:s, s:I, s:I}", "id", (json_int_t)n->id,
	    "name", n->name, "state", state_of(n), "silent",
	    (json_int_t)(n->silent_ms / 1000), "messages",
	    (json_int_t)n->messages);
	relais_list_item(l->r, item);
	json_decref(item);
}

static int
run_nodes(struct relais *r, int argc, char *const *argv)
{
	const struct store_module *m;
	struct list l = { r, 0 };
	struct conf *c;
	struct err err;
	int status = RELAIS_DONE;

	(void)argv;
	if (argc != 0)
		return relais_complain(r, RELAIS_USAGE, "takes no arguments");
	if (relais_conf_load(relais_conf_file(r), true, &c) != 0)
		return RELAIS_FAILED;
	if (relais_shared(c, &m, &err) != 0 ||
	    m->nodes(c->store_url, each, &l, &err) != 0)
		status = relais_complain(r, RELAIS_FAILED, "%s", err.text);
	else if (relais_is_json(r))
		relais_list_end(r);
	conf_free(c);
	return status;
}

const struct relais_command cmd_nodes = {
	.name = "nodes",
	.args = "",
	.help = N_("lists the relays that share the queue (store = postgres)"),
	.details = N_(
	    "\"silent\" has not been heard for five seconds; of \"gone\" "
	    "the others take the\nmessages."),
	.run = run_nodes,
};
