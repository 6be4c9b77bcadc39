/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's status in the text format of Prometheus.  Labels are kept for as
 * long as the numbers are, so none holds an address. */
#include <stdio.h>
#include <string.h>
#include <time.h>

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
add_text(struct metrics *m, const char *text)
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
			add_text(m, "\\n");
			continue;
		}
		if (*p == '"' || *p == '\\')
			add_text(m, "\\");
		m->is_full |= !buf_addc(&m->text, *p);
	}
	add_text(m, "\"");
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
	add_text(m, name);
	add_label(m, "{", label, value);
	add_text(m, "}");
	add_value(m, n);
}

/* And with two. */
static void
add_sample2(struct metrics *m, const char *name, const char *label,
    const char *value, const char *label2, const char *value2, long long n)
{
	add_text(m, name);
	add_label(m, "{", label, value);
	add_label(m, ",", label2, value2);
	add_text(m, "}");
	add_value(m, n);
}

/* A name without labels. */
static void
add_single(struct metrics *m, const char *name, const char *type,
    const char *help, long long n)
{
	add_name(m, name, type, help);
	add_text(m, name);
	add_value(m, n);
}

static void
add_queue(struct metrics *m, const json_t *q)
{
	json_t *of;
	const char *account;

	add_name(m, "relais_queue_messages", "gauge",
	    "Messages in the queue, by account and state; without an account "
	    "if none can be named.");
	json_object_foreach(json_object_get(q, "by_account"), account,
	    of) for (size_t i = 0; i < STATES; i++)
	    add_sample2(m, "relais_queue_messages", "account", account, "state",
		states[i], relais_number(of, states[i]));
	add_single(m, "relais_oldest_seconds", "gauge",
	    "Age of the oldest message that has not failed; 0 if there is "
	    "none.",
	    relais_number(q, "oldest_age"));
}

/* --- one metric of all accounts ------------------------------------------- */

struct metric {
	const char *name, *type, *help;
	/* The samples of one account, which may have none. */
	void (*add)(struct metrics *m, const struct metric *what,
	    const json_t *account);
	const char *member; /* of the account, for add_number() */
};

static const char *
name_of(const json_t *account)
{
	return relais_string(account, "name");
}

static void
add_number(struct metrics *m, const struct metric *what, const json_t *account)
{
	add_sample(m, what->name, "account", name_of(account),
	    relais_number(account, what->member));
}

static void
add_states(struct metrics *m, const struct metric *what, const json_t *account)
{
	for (size_t i = 0; i < ACCOUNT_STATES; i++)
		add_sample2(m, what->name, "account", name_of(account), "state",
		    account_states[i],
		    strcmp(relais_string(account, "state"),
			account_states[i]) == 0);
}

static void
add_deferred(
    struct metrics *m, const struct metric *what, const json_t *account)
{
	json_t *n;
	const char *class;

	json_object_foreach(json_object_get(account, "deferred"), class, n)
	    add_sample2(m, what->name, "account", name_of(account), "class",
		class, json_integer_value(n));
}

static void
add_budgets(struct metrics *m, const struct metric *what, const json_t *account)
{
	const json_t *b;
	size_t i;

	json_array_foreach(json_object_get(account, "budgets"), i, b)
	{
		add_text(m, what->name);
		add_label(m, "{", "account", name_of(account));
		add_label(m, ",", "window", relais_string(b, "window"));
		m->is_full |= !buf_addf(&m->text, "} %.4f\n",
		    (double)relais_number(b, "used") /
			(double)relais_number(b, "max"));
	}
}

/* Only where the end is known. */
static void
add_sign_in(struct metrics *m, const struct metric *what, const json_t *account)
{
	long long ends = relais_number(
	    json_object_get(account, "sign_in"), "ends");

	if (ends > 0)
		add_sample(m, what->name, "account", name_of(account), ends);
}

static void
add_certificate(
    struct metrics *m, const struct metric *what, const json_t *account)
{
	long long ends = relais_number(account, "certificate_ends");

	if (ends > 0)
		add_sample(m, what->name, "account", name_of(account),
		    ends - (long long)time(NULL));
}

static const struct metric of_accounts[] = {
	{ "relais_delivered_total", "counter",
	    "Messages that the provider has accepted; kept over a restart.",
	    add_number, "sent" },
	{ "relais_deferred_total", "counter",
	    "Attempts for a recipient that are to be repeated, since the "
	    "start, by what the reason is about.",
	    add_deferred, NULL },
	{ "relais_last_delivery_timestamp_seconds", "gauge",
	    "When the provider last accepted a message; 0: never.", add_number,
	    "last_sent" },
	{ "relais_connections", "gauge", "Connections to the provider.",
	    add_number, "connections" },
	{ "relais_account_state", "gauge",
	    "1 for the state that an account is in, 0 for the others.",
	    add_states, NULL },
	{ "relais_budget_used_ratio", "gauge",
	    "Part of a limit of the account that is used.", add_budgets, NULL },
	{ "relais_sign_in_end_timestamp_seconds", "gauge",
	    "When the sign-in of an account ends unless it is used.",
	    add_sign_in, NULL },
	{ "relais_tls_cert_expiry_seconds", "gauge",
	    "Until a certificate of the provider expires, as of the newest "
	    "connection.",
	    add_certificate, NULL },
};

/* Without a sample a name is not mentioned. */
static void
add_accounts(struct metrics *m, const json_t *accounts)
{
	const json_t *a;
	size_t i;

	for (size_t k = 0; k < sizeof(of_accounts) / sizeof(of_accounts[0]);
	     k++) {
		const struct metric *what = &of_accounts[k];
		size_t before = buf_len(&m->text), head;

		add_name(m, what->name, what->type, what->help);
		head = buf_len(&m->text);
		json_array_foreach(accounts, i, a) what->add(m, what, a);
		if (buf_len(&m->text) == head)
			buf_truncate(&m->text, before);
	}
}

/* --- the rest ------------------------------------------------------------ */

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
	add_text(m, "relais_delivery_seconds_sum");
	add_value(m, relais_number(o, "took_sum"));
	add_text(m, "relais_delivery_seconds_count");
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
	add_accounts(m, accounts);
	add_single(m, "relais_accepted_total", "counter",
	    "Messages taken over from clients and sendmail since the start.",
	    relais_number(st, "accepted"));
	add_outcomes(m, json_object_get(st, "outcomes"));
	if (json_is_integer(json_object_get(st, "disk_free")))
		add_single(m, "relais_disk_free_bytes", "gauge",
		    "Room on the disk of the spool.",
		    relais_number(st, "disk_free"));
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
run_metrics(struct relais *r, int argc, char *const *argv)
{
	bool has_file = argc == 2 && strcmp(argv[0], "--textfile") == 0;
	struct metrics m = { .is_full = false };
	json_t *args, *st = NULL;
	int status;

	if (argc > 0 && !has_file)
		return relais_complain(r, RELAIS_USAGE,
		    "takes no argument but --textfile and a file");
	if (relais_is_json(r))
		return relais_complain(r, RELAIS_USAGE,
		    "has no JSON form; \"relais --json status\" has these "
		    "numbers");
	args = json_pack("{s:b}", "by_account", 1);
	status = relais_ask(r, "status", args, NULL, NULL, &st);
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
	.run = run_metrics,
};
