/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "relais/relais.h"
#include "relais/relais_table.h"

enum { INDENT = 4 }; /* of what a line of the head goes on with */

static const char *const titles[] = { N_("ACCOUNT"), N_("STATE"), N_(">SENT"),
	N_("LAST"), N_(">CONNECTIONS"), N_("HOST"), N_("PORTS") };

/* As the daemon says them. */
static const char *const states[] = { N_("ready"), N_("paused"), N_("held") };

/* Without this a person looks for mail that came and does not go out. */
static void
print_folding(const struct relais *r, const json_t *q)
{
	long long carriers = relais_number(q, "folding");
	long long folded = relais_number(q, "folded");

	if (carriers > 0)
		relais_printf_wrapped(r, INDENT,
		    ngettext("folding equal messages (max_equal): %lld in the "
			     "queue stands for %lld more",
			"folding equal messages (max_equal): %lld in the "
			"queue stand for %lld more",
			(unsigned long)carriers),
		    carriers, folded);
}

/* What the kernel denies the process that talks to clients and providers. */
static void
print_protections(const struct relais *r, const json_t *st)
{
	const json_t *all = json_object_get(st, "protections"), *p;
	size_t i;

	json_array_foreach(all, i, p)
	{
		char *why = relais_said(p, "why");

		char *name = relais_said(p, "name");

		relais_printf_wrapped(
		    r, INDENT, "protection: %s %s", name, why);
		free(name);
		free(why);
	}
}

/* What all relays have that share the queue. */
static void
print_shared(const struct relais *r, const json_t *st)
{
	const json_t *q = json_object_get(st, "shared");
	long long oldest = relais_number(q, "oldest_age");
	char text[NUM_TEXT_SIZE], old[100];

	if (*relais_string(st, "unseen") != '\0')
		relais_printf_wrapped(r, INDENT,
		    "what the other relays have is not shown: %s",
		    relais_string(st, "unseen"));
	if (relais_number(q, "relays") < 2)
		return;
	(void)snprintf(old, sizeof(old), _("; the oldest is %s old"),
	    relais_duration(oldest, text));
	relais_printf_wrapped(r, INDENT,
	    "all %lld relays: %lld waiting, %lld being sent, %lld held, %lld "
	    "failed%s",
	    relais_number(q, "relays"), relais_number(q, "due"),
	    relais_number(q, "active"), relais_number(q, "held"),
	    relais_number(q, "failed"), oldest > 0 ? old : "");
}

static void
print_head(const struct relais *r, const json_t *st)
{
	const json_t *q = json_object_get(st, "queue");
	long long oldest = relais_number(q, "oldest_age");
	char text[NUM_TEXT_SIZE], old[100];

	relais_printf_wrapped(r, INDENT,
	    ngettext("relaisd %s, running for %s, %lld client",
		"relaisd %s, running for %s, %lld clients",
		(unsigned long)relais_number(st, "sessions")),
	    relais_string(st, "version"),
	    relais_duration(relais_number(st, "uptime"), text),
	    relais_number(st, "sessions"));
	(void)snprintf(old, sizeof(old), _("; the oldest is %s old"),
	    relais_duration(oldest, text));
	relais_printf_wrapped(r, INDENT,
	    "queue: %lld waiting, %lld being sent, %lld held, %lld failed%s",
	    relais_number(q, "due"), relais_number(q, "active"),
	    relais_number(q, "held"), relais_number(q, "failed"),
	    oldest > 0 ? old : "");
	print_shared(r, st);
	print_folding(r, q);
	print_protections(r, st);
	(void)putchar('\n');
}

static void
add_note(struct table *t, const json_t *a, enum relais_colour colour)
{
	char *reason;
	const json_t *next = json_object_get(a, "next_try");
	char text[NUM_TEXT_SIZE];
	char *note;

	if (*relais_string(a, "reason") == '\0')
		return;
	reason = relais_said(a, "reason");
	note = json_is_integer(next)
		   ? xasprintf(_("%s; next try in %s"), reason,
			 relais_duration(json_integer_value(next), text))
		   : xstrdup(reason);
	table_note(t, colour, note);
	free(note);
	free(reason);
}

/* The user who signed in, when, and whether that will last. */
static void
add_sign_in(struct table *t, const json_t *a, long long now)
{
	enum { WARN_S = 10 * 86400 };
	const json_t *in = json_object_get(a, "sign_in");
	const char *user = relais_string(in, "user");
	long long at = relais_number(in, "signed_in");
	long long refreshed = relais_number(in, "refreshed");
	long long left = relais_number(in, "ends") - now;
	bool is_near = relais_number(in, "ends") > 0 && left < WARN_S;
	char since[NUM_TEXT_SIZE], last[NUM_TEXT_SIZE],
	    left_text[NUM_TEXT_SIZE];
	char *note, *end;

	if (in == NULL || at <= 0)
		return;
	(void)relais_duration(now > at ? now - at : 0, since);
	(void)relais_duration(now > refreshed ? now - refreshed : 0, last);
	end = is_near ? xasprintf(_("; the sign-in ends in %s unless it is "
				    "refreshed before"),
			    relais_duration(left > 0 ? left : 0, left_text))
		      : xstrdup("");
	note = *user != '\0'
		   ? xasprintf(_("signed in as %s %s ago, token refreshed %s "
				 "ago%s"),
			 user, since, last, end)
		   : xasprintf(_("signed in %s ago, token refreshed %s ago%s"),
			 since, last, end);
	table_note(t, is_near ? COLOUR_WARN : COLOUR_NONE, note);
	free(note);
	free(end);
}

static const char *
state_text(const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], state) == 0)
			return _(states[i]);
	return state; /* of a newer daemon */
}

/* Mail waits although nothing is wrong. */
static void
add_shared(struct table *t, const json_t *a)
{
	if (json_is_true(
		json_object_get(json_object_get(a, "shared"), "waits")))
		table_note(t, COLOUR_NONE,
		    _("other relays have all connections of it "
		      "(max_connections)"));
}

static void
add_account(struct table *t, const json_t *a)
{
	const char *state = relais_string(a, "state");
	bool is_held = strcmp(state, "held") == 0;
	enum relais_colour colour = is_held                       ? COLOUR_BAD
				    : strcmp(state, "ready") == 0 ? COLOUR_NONE
								  : COLOUR_WARN;
	long long last = relais_number(a, "last_sent");
	long long now = (long long)time(NULL);
	char number[32], text[NUM_TEXT_SIZE], *ports;
	char *ago = last > 0 ? xasprintf(_("%s ago"),
				   relais_duration(
				       now > last ? now - last : 0, text))
			     : xstrdup(_("never"));

	table_row(t);
	table_cell(t, COLOUR_BOLD, relais_string(a, "name"));
	table_cell(t, colour, state_text(state));
	(void)snprintf(
	    number, sizeof(number), "%lld", relais_number(a, "sent"));
	table_cell(t, COLOUR_NONE, number);
	table_cell(t, COLOUR_NONE, ago);
	(void)snprintf(
	    number, sizeof(number), "%lld", relais_number(a, "connections"));
	table_cell(t, COLOUR_NONE, number);
	table_cell(t, COLOUR_NONE, relais_string(a, "host"));
	ports = relais_said(a, "ports");
	table_cell(t, COLOUR_NONE, ports);
	free(ports);
	add_note(t, a, colour);
	add_sign_in(t, a, now);
	add_shared(t, a);
	free(ago);
}

static int
run_status(struct relais *r, int argc, char *const *argv)
{
	json_t *st = NULL;
	const json_t *accounts, *a;
	struct table *t;
	bool is_quiet = argc == 1 && strcmp(argv[0], "--quiet") == 0;
	size_t i;
	int status;

	if (argc > 0 && !is_quiet)
		return relais_complain(
		    r, RELAIS_USAGE, "takes no argument but --quiet");
	status = relais_ask(r, "status", NULL, NULL, NULL, &st);
	if (status == RELAIS_DONE && is_quiet)
		json_decref(st);
	if (status != RELAIS_DONE || is_quiet)
		return status;
	accounts = json_object_get(st, "accounts");
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(accounts, i, a)
	{
		add_account(t, a);
		if (strcmp(relais_string(a, "state"), "held") == 0)
			status = RELAIS_FAILED;
	}
	if (relais_is_json(r)) {
		relais_print_json(st);
	} else {
		print_head(r, st);
		table_print(t, r);
	}
	table_free(t);
	json_decref(st);
	return status;
}

const struct relais_command cmd_status = {
	.name = "status",
	.args = N_("[--quiet]"),
	.help = N_("shows the daemon, its accounts and the size of the queue"),
	.details = N_(
	    "Exits with status 1 if the daemon does not answer or an "
	    "account is held,\nbecause someone must act.  With --quiet it only "
	    "asks whether the "
	    "daemon answers:\na held account is no reason to restart it."),
	.run = run_status,
};
