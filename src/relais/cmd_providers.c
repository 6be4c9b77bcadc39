/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "conf/provider.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "relais/relais_table.h"

static const char *const senders_words[] = {
	[PROVIDER_SENDERS_FORCE] = N_("own address"),
	[PROVIDER_SENDERS_ALIASES] = N_("own address, aliases"),
	[PROVIDER_SENDERS_DOMAIN] = N_("own domain"),
};

static char *
ports_text(const struct provider *p)
{
	struct buf b;

	buf_init(&b, 200);
	for (size_t i = 0; i < p->nports; i++)
		IGNORE(
		    buf_addf(&b, "%s%d%s", i > 0 ? " " : "", p->ports[i].port,
			p->ports[i].tls == CONF_TLS_STARTTLS ? "s" : ""));
	return buf_steal(&b);
}

static json_t *
list_json(const struct conf_list *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(a, json_string(l->v[i]));
	return a;
}

static json_t *
provider_json(const struct provider *p)
{
	json_t *ports = json_array();
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:s?}",
	    "key", p->key, "name", p->name, "aliases", list_json(&p->aliases),
	    "domains", list_json(&p->domains), "mx", list_json(&p->mx), "page",
	    p->page, "note", p->note, "refusal", p->refusal);

	for (size_t i = 0; i < p->nports; i++)
		(void)json_array_append_new(ports,
		    json_pack("{s:i, s:s}", "port", p->ports[i].port, "tls",
			p->ports[i].tls == CONF_TLS_STARTTLS ? "starttls"
							     : "implicit"));
	(void)json_object_set_new(o, "ports", ports);
	if (p->refusal == NULL)
		(void)json_object_update_new(
		    o, json_pack("{s:s, s:s, s:s, s:s}", "host", p->host,
			   "login", p->login_word, "secret", p->secret,
			   "senders", senders_words[p->senders]));
	return o;
}

static void
add_row(struct table *t, const struct provider *p, bool is_long)
{
	table_row(t);
	table_cell(t, COLOUR_BOLD, p->key);
	table_cell(t, COLOUR_NONE, p->name);
	if (p->refusal != NULL) {
		table_note(t, COLOUR_WARN, _(p->refusal));
		return;
	}
	char *ports = ports_text(p);

	table_cell(t, COLOUR_NONE, p->host);
	table_cell(t, COLOUR_NONE, ports);
	table_cell(t, COLOUR_NONE, _(provider_secret_name(p)));
	table_cell(t, COLOUR_NONE, _(senders_words[p->senders]));
	if (is_long && p->note != NULL) {
		char *note = xasprintf("%s%s%s%s%s", _(provider_secret_name(p)),
		    _(": "), _(p->note), p->page != NULL ? _("; ") : "",
		    p->page != NULL ? p->page : "");

		table_note(t, COLOUR_NONE, note);
		free(note);
	} else if (is_long && p->page != NULL) {
		table_note(t, COLOUR_NONE, p->page);
	}
	free(ports);
}

/* The word may be a whole address: its domain counts. */
static const char *
wanted(int argc, char *const *argv)
{
	const char *at = argc > 0 ? strrchr(argv[0], '@') : NULL;

	return argc == 0 ? "" : at != NULL ? at + 1 : argv[0];
}

static int
run_providers(struct relais *r, int argc, char *const *argv)
{
	static const char *const titles[] = { N_("KEY"), N_("NAME"), N_("HOST"),
		N_("PORTS"), N_("SECRET"), N_("SENDERS") };
	struct providers *ps = relais_providers_load();
	struct table *t;
	const struct provider *p;
	const char *word;
	bool found = false;

	if (argc > 1)
		return relais_complain(r, RELAIS_USAGE, "takes one word");
	if (ps == NULL)
		return RELAIS_FAILED;
	word = wanted(argc, argv);
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	for (size_t i = 0; (p = providers_at(ps, i)) != NULL; i++) {
		if (!provider_matches(p, word))
			continue;
		found = true;
		if (relais_is_json(r)) {
			json_t *o = provider_json(p);

			relais_list_item(r, o);
			json_decref(o);
		} else {
			add_row(t, p, *word != '\0');
		}
	}
	if (relais_is_json(r))
		relais_list_end(r);
	else if (found)
		table_print(t, r);
	table_free(t);
	providers_free(ps);
	return found ? RELAIS_DONE
		     : relais_complain(r, RELAIS_FAILED,
			   "no provider matches \"%s\"; relais setup finds "
			   "others by itself",
			   word);
}

const struct relais_command cmd_providers = {
	.name = "providers",
	.args = N_("[WORD]"),
	.help = N_("lists the providers that relais knows"),
	.details = N_(
	    "WORD is a part of a key, a name, a host or a domain, or "
	    "an email address.\nA port with an s speaks STARTTLS; the "
	    "others speak TLS from the first byte."),
	.run = run_providers,
};
