/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's status in the text format of Prometheus.  Labels are kept for as
 * long as the numbers are, so none holds an address. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "relais/relais.h"
#include "sys/file_replace.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

static const char *const states[] = { "due", "active", "held", "failed" };
static const char *const account_states[] = { "ready", "paused", "held" };

enum {
	STATES = sizeof(states) / sizeof(states[0]),
	ACCOUNT_STATES = sizeof(account_states) / sizeof(account_states[0])
};

struct metrics {
	struct buf text;
	bool is_full;
};

static void
add(struct metrics *m, const char *text)
{
	m->is_full |= !buf_adds(&m->text, text);
}

/* What all samples of a name have in common; they must follow at once. */
static void
add_name(
    struct metrics *m, const char *name, const char *type, const char *help)
{
	m->is_full |= !buf_addf(
	    &m->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_label(
    struct metrics *m, const char *front, const char *label, const char *value)
{
	m->is_full |= !buf_addf(&m->text, "%s%s=\"", front, label);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\n') {
			add(m, "\\n");
			continue;
		}
		if (*p == '"' || *p == '\\')
			add(m, "\\");
		m->is_full |= !buf_addc(&m->text, *p);
	}
	add(m, "\"");
}

static void
add_value(struct metrics *m, long long value)
{
	m->is_full |= !buf_addf(&m->text, " %lld\n", value);
}

/* A sample with one label. */
static void
add_sample(struct metrics *m, const char *name, const char *label,
    const char *value, long long n)
{
	add(m, name);
	add_label(m, "{", label, value);
	add(m, "}");
	add_value(m, n);
}

/* A name without labels. */
static void
add_single(struct metrics *m, const char *name, const char *type,
    const char *help, long long n)
{
	add_name(m, name, type, help);
	add(m, name);
	add_value(m, n);
}

static void
add_queue(struct metrics *m, const json_t *q)
{
	add_name(m, "relais_queue_messages", "gauge",
	    "Messages in the queue, by state.");
	for (size_t i = 0; i < STATES; i++)
		add_sample(m, "relais_queue_messages", "state", states[i],
		    relais_number(q, states[i]));
	add_single(m, "relais_oldest_seconds", "gauge",
	    "Age of the oldest message that has not failed; 0 if there is "
	    "none.",
	    relais_number(q, "oldest_age"));
}

/* One number of each account. */
static void
add_accounts(struct metrics *m, const json_t *accounts, const char *name,
    const char *type, const char *help, const char *member)
{
	const json_t *a;
	size_t i;

	add_name(m, name, type, help);
	json_array_foreach(accounts, i, a) add_sample(m, name, "account",
	    relais_string(a, "name"), relais_number(a, member));
}

static void
add_account_states(struct metrics *m, const json_t *accounts)
{
	const json_t *a;
	size_t i;

	add_name(m, "relais_account_state", "gauge",
	    "1 for the state that an account is in, 0 for the others.");
	json_array_foreach(accounts, i, a)
	{
		for (size_t s = 0; s < ACCOUNT_STATES; s++) {
			add(m, "relais_account_state");
			add_label(m, "{", "account", relais_string(a, "name"));
			add_label(m, ",", "state", account_states[s]);
			add(m, "}");
			add_value(m, strcmp(relais_string(a, "state"),
					 account_states[s]) == 0);
		}
	}
}

/* Only accounts whose sign-in is known to end have a sample. */
static void
add_sign_ins(struct metrics *m, const json_t *accounts)
{
	const char *name = "relais_sign_in_end_timestamp_seconds";
	const json_t *a;
	bool is_first = true;
	size_t i;

	json_array_foreach(accounts, i, a)
	{
		long long ends = relais_number(
		    json_object_get(a, "sign_in"), "ends");

		if (ends <= 0)
			continue;
		if (is_first)
			add_name(m, name, "gauge",
			    "When the sign-in of an account ends unless it is "
			    "used.");
		is_first = false;
		add_sample(m, name, "account", relais_string(a, "name"), ends);
	}
}

static void
add_outcomes(struct metrics *m, const json_t *o)
{
	const json_t *took = json_object_get(o, "took"), *step;
	char within[32] = "";
	long long n = 0;
	size_t i;

	add_single(m, "relais_failed_total", "counter",
	    "Recipients that have failed for good since the start.",
	    relais_number(o, "failed"));
	add_single(m, "relais_refused_total", "counter",
	    "Recipients refused while the client waited, since the start.",
	    relais_number(o, "refused"));
	add_name(m, "relais_delivery_seconds", "histogram",
	    "From the arrival of a message until the provider has it, for each "
	    "recipient.");
	json_array_foreach(took, i, step)
	{
		const json_t *end = json_object_get(step, "within");

		n += relais_number(step, "count");
		(void)snprintf(within, sizeof(within), "%lld",
		    (long long)json_integer_value(end));
		add_sample(m, "relais_delivery_seconds_bucket", "le",
		    json_is_integer(end) ? within : "+Inf", n);
	}
	add(m, "relais_delivery_seconds_sum");
	add_value(m, relais_number(o, "took_sum"));
	add(m, "relais_delivery_seconds_count");
	add_value(m, n);
}

static void
add_protections(struct metrics *m, const json_t *all)
{
	const json_t *p;
	size_t i;

	add_name(m, "relais_protection", "gauge",
	    "1 if the kernel holds the daemon to this restriction.");
	json_array_foreach(all, i, p)
	    add_sample(m, "relais_protection", "name", relais_string(p, "name"),
		json_is_true(json_object_get(p, "holds")));
}

static void
add_all(struct metrics *m, const json_t *st)
{
	const json_t *accounts = json_object_get(st, "accounts");

	add_name(m, "relais_build_info", "gauge",
	    "1, with the version of the daemon.");
	add_sample(
	    m, "relais_build_info", "version", relais_string(st, "version"), 1);
	add_single(m, "relais_uptime_seconds", "gauge",
	    "How long the daemon has been running.",
	    relais_number(st, "uptime"));
	add_single(m, "relais_sessions", "gauge",
	    "Clients that are connected for submission.",
	    relais_number(st, "sessions"));
	add_queue(m, json_object_get(st, "queue"));
	add_accounts(m, accounts, "relais_delivered_total", "counter",
	    "Messages that the provider has accepted since the start.", "sent");
	add_outcomes(m, json_object_get(st, "outcomes"));
	add_accounts(m, accounts, "relais_last_delivery_timestamp_seconds",
	    "gauge", "When the provider last accepted a message; 0: never.",
	    "last_sent");
	add_accounts(m, accounts, "relais_connections", "gauge",
	    "Connections to the provider.", "connections");
	add_account_states(m, accounts);
	add_sign_ins(m, accounts);
	add_protections(m, json_object_get(st, "protections"));
}

/* Readable for the collector, which is another user. */
static int
write_file(const struct relais *r, const char *path, struct bytes text)
{
	struct err err;

	if (file_replace(path, text, 0644, (uid_t)-1, (gid_t)-1, &err) == 0)
		return RELAIS_DONE;
	return relais_complain(r, RELAIS_FAILED, "%s", err.text);
}

static int
run(struct relais *r, int argc, char *const *argv)
{
	bool has_file = argc == 2 && strcmp(argv[0], "--textfile") == 0;
	struct metrics m = { .is_full = false };
	json_t *st = NULL;
	int status;

	if (argc > 0 && !has_file)
		return relais_complain(r, RELAIS_USAGE,
		    "takes no argument but --textfile and a file");
	if (relais_is_json(r))
		return relais_complain(r, RELAIS_USAGE,
		    "has no JSON form; \"relais --json status\" has these "
		    "numbers");
	status = relais_ask(r, "status", NULL, NULL, NULL, &st);
	if (status != RELAIS_DONE)
		return status;
	buf_init(&m.text, TEXT_MAX);
	add_all(&m, st);
	json_decref(st);
	if (m.is_full) /* half of the metrics would look like all */
		status = relais_complain(
		    r, RELAIS_FAILED, "the metrics are too long");
	else if (has_file)
		status = write_file(r, argv[1], buf_bytes(&m.text));
	else
		relais_print(r, COLOUR_NONE, buf_str(&m.text));
	buf_clear(&m.text);
	return status;
}

const struct relais_command cmd_metrics = {
	.name = "metrics",
	.args = N_("[--textfile FILE]"),
	.help = N_("prints the state of the daemon for Prometheus"),
	.details = N_(
	    "With --textfile it replaces FILE, for the textfile collector of\n"
	    "node_exporter; FILE stays as it is if the daemon does not "
	    "answer."),
	.run = run,
};
