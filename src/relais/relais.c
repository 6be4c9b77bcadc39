/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais - looks into relaisd and tells it what to do.  See relais(1). */
#include <config.h>

#include "relais/relais.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "ctl/ctl_client.h"
#include "relais/relais_conf.h"
#include "sys/language.h"
#include "sys/own_daemon.h"
#include "sys/privilege.h"
#include "sys/said.h"
#include "sys/terminal.h"

enum {
	ANSWER_MS = 30 * 1000,
	TEXT_MAX = 16384,
	WRAP_LEAST = 20 /* in fewer columns nothing is wrapped */
};

struct relais {
	const struct relais_command *command;
	const char *conf_file;
	bool is_json;
	bool has_colour;
	size_t width; /* of a line for people; 0: no end */
	char *control; /* path of the socket, NULL: not looked for yet */
	bool is_own_daemon; /* it is the caller's, not the machine's */
	struct ctl_client *client;
	int answer_ms; /* each step of an answer takes at most so long */
	bool has_items; /* relais_list_item() was called */
};

/* In the order of `relais --help`. */
static const struct relais_command *const commands[] = { &cmd_setup,
	&cmd_import, &cmd_status, &cmd_check, &cmd_test, &cmd_login,
	&cmd_passwd, &cmd_queue, &cmd_show, &cmd_log, &cmd_flush, &cmd_retry,
	&cmd_hold, &cmd_release, &cmd_delete, &cmd_explain, &cmd_aliases,
	&cmd_rewrite, &cmd_config, &cmd_store, &cmd_nodes, &cmd_metrics,
	&cmd_reload, &cmd_stop, &cmd_providers, &cmd_version };

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

bool
relais_is_json(const struct relais *r)
{
	return r->is_json;
}

const char *
relais_verb(const struct relais *r)
{
	return r->command->name;
}

const char *
relais_conf_file(const struct relais *r)
{
	return r->conf_file;
}

/* --- telling -------------------------------------------------------------- */

/* What is only passed on was said in English, by the daemon or a library. */
static char *
passed_on(const char *fmt, const struct buf *text)
{
	return strcmp(fmt, "%s") == 0 ? said(buf_str(text))
				      : xstrdup(buf_str(text));
}

int
relais_complain(const struct relais *r, int status, const char *fmt, ...)
{
	struct buf text, shown;
	va_list ap;
	char *own;

	buf_init(&text, TEXT_MAX);
	buf_init(&shown, 4 * TEXT_MAX + 4);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, _(fmt), ap)); /* cut if it is that long */
	va_end(ap);
	own = passed_on(fmt, &text);
	IGNORE(str_escape(&shown, bytes_str(own), TEXT_MAX));
	free(own);
	(void)fprintf(stderr, "relais: %s%s%s\n",
	    r->command != NULL ? r->command->name : "",
	    r->command != NULL ? ": " : "", buf_str(&shown));
	if (status == RELAIS_USAGE)
		(void)fprintf(stderr,
		    _("usage: relais [-c FILE] [--json] %s %s\n"),
		    r->command != NULL ? r->command->name : _("VERB"),
		    r->command != NULL && r->command->args[0] != '\0'
			? _(r->command->args)
		    : r->command != NULL ? ""
					 : "...");
	buf_clear(&text);
	buf_clear(&shown);
	return status;
}

void
relais_print(
    const struct relais *r, enum relais_colour colour, const char *text)
{
	static const char *const on[] = {
		[COLOUR_NONE] = "",
		[COLOUR_BOLD] = "\033[1m",
		[COLOUR_WARN] = "\033[33m",
		[COLOUR_BAD] = "\033[31m",
	};
	bool has = r->has_colour && colour != COLOUR_NONE;

	if (has)
		(void)fputs(on[colour], stdout);
	(void)fputs(text, stdout);
	if (has)
		(void)fputs("\033[0m", stdout);
}

size_t
relais_width(const struct relais *r)
{
	return r->width;
}

void
relais_print_wrapped(const struct relais *r, enum relais_colour colour,
    size_t indent, const char *text)
{
	size_t room = r->width > indent + WRAP_LEAST ? r->width - indent
						     : SIZE_MAX;

	for (bool is_first = true; *text != '\0' || is_first;
	     is_first = false) {
		size_t n = str_wrap(text, room);
		char *line = xstrndup(text, n);

		if (!is_first)
			(void)printf("%*s", (int)indent, "");
		relais_print(r, colour, line);
		(void)putchar('\n');
		free(line);
		text += n;
		text += strspn(text, " ");
	}
}

void
relais_printf_wrapped(
    const struct relais *r, size_t indent, const char *fmt, ...)
{
	struct buf text;
	va_list ap;
	char *own;

	buf_init(&text, 4 * TEXT_MAX);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, _(fmt), ap)); /* cut if it is that long */
	va_end(ap);
	own = passed_on(fmt, &text);
	relais_print_wrapped(r, COLOUR_NONE, indent, own);
	free(own);
	buf_clear(&text);
}

char *
relais_said(const json_t *object, const char *key)
{
	return said(relais_string(object, key));
}

void
relais_print_label(const char *label, size_t columns)
{
	size_t n = str_width(bytes_str(label));

	(void)printf("%s%*s", label, n < columns ? (int)(columns - n) : 0, "");
}

const char *
relais_duration(long long s, char text[NUM_TEXT_SIZE])
{
	(void)num_duration_text(s * 1000, text);
	return language_duration(text);
}

void
relais_print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	(void)putchar('\n');
}

/* The bracket comes with the first item, so that a refusal prints nothing. */
void
relais_list_item(struct relais *r, const json_t *item)
{
	(void)fputs(r->has_items ? ",\n" : "[\n", stdout);
	(void)json_dumpf(item, stdout, JSON_COMPACT);
	r->has_items = true;
}

void
relais_list_end(const struct relais *r)
{
	(void)puts(r->has_items ? "\n]" : "[]");
}

const char *
relais_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

long long
relais_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* --- the daemon ----------------------------------------------------------- */

static char *
control_of(const struct conf *c)
{
	return xstrdup(c->control);
}

/* -c FILE, RELAIS_CONTROL, the caller's own daemon, the machine's.  The
 * machine's configuration may be closed to us; then its default holds. */
static int
find_control(struct relais *r)
{
	const char *env = secure_getenv("RELAIS_CONTROL");
	struct conf *c = NULL;

	if (r->conf_file != NULL) {
		if (relais_conf_load(r->conf_file, true, &c) != 0)
			return -1;
		r->control = control_of(c);
	} else if (env != NULL && *env != '\0') {
		r->control = xstrdup(env);
	} else if (own_daemon_is_meant()) {
		r->control = own_daemon_socket("control.sock");
		r->is_own_daemon = true;
	} else if (relais_conf_load(NULL, false, &c) == 0) {
		r->control = control_of(c);
	} else {
		r->control = xstrdup(RELAIS_RUN_DIR "/control.sock");
	}
	conf_free(c);
	return 0;
}

/* Complains about a configuration that is wrong, not about a daemon that is
 * away: err says why. */
static int
connect_quietly(struct relais *r, struct err *err)
{
	if (r->client != NULL)
		return 0;
	if (r->control == NULL && find_control(r) != 0)
		return err_set(err, ERR_CONFIG, "the configuration has errors");
	return ctl_client_open(r->control, r->answer_ms, &r->client, err);
}

bool
relais_has_daemon(struct relais *r)
{
	struct err err = { 0 };

	return connect_quietly(r, &err) == 0;
}

static bool
has_own_conf(void)
{
	const struct conf_env env = { .is_user = true,
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
		.uid = getuid() };
	struct conf_paths paths;
	bool has_own;

	conf_paths_init(&paths, &env);
	has_own = access(paths.file, F_OK) == 0;
	conf_paths_clear(&paths);
	return has_own;
}

static int
connect_daemon(struct relais *r)
{
	struct err err = { 0 };
	bool has_conf = r->conf_file != NULL ||
			access(RELAIS_CONF_DIR "/relais.conf", F_OK) == 0;
	bool is_own;

	if (connect_quietly(r, &err) == 0)
		return 0;
	if (err.class == ERR_CONFIG)
		return -1;
	/* Which daemon would it be?  The caller's, if only he has a
	 * configuration. */
	is_own = r->is_own_daemon || (!has_conf && has_own_conf());
	if (!has_conf && !has_own_conf()) {
		(void)relais_complain(r, RELAIS_FAILED,
		    "cannot connect to relaisd: %s; nothing is configured here "
		    "yet: type: relais setup YOUR-ADDRESS",
		    err.text);
		return -1;
	}
	(void)relais_complain(r, RELAIS_FAILED,
	    "cannot connect to relaisd: %s; if it is not running, type: "
	    "systemctl %sstart relais; without systemd: %s/relaisd%s",
	    err.text, is_own ? "--user " : "", RELAIS_SBIN_DIR,
	    is_own ? " --user" : "");
	return -1;
}

void
relais_be_patient(struct relais *r, int ms)
{
	r->answer_ms = ms;
	if (r->client != NULL)
		ctl_client_patience(r->client, ms);
}

int
relais_call(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err)
{
	int rc = connect_daemon(r);

	if (rc == 0)
		rc = ctl_client_call(
		    r->client, verb, args, item, ctx, ret_result, err);
	json_decref(args);
	return rc;
}

int
relais_ask(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result)
{
	struct err err = { 0 };

	if (relais_call(r, verb, args, item, ctx, ret_result, &err) == 0)
		return RELAIS_DONE;
	if (err.class != ERR_NONE)
		(void)relais_complain(r, RELAIS_FAILED, "%s", err.text);
	return RELAIS_FAILED;
}

void
relais_listen(struct relais *r, int fd, void (*told)(void *ctx), void *ctx)
{
	ctl_client_listen(r->client, fd, told, ctx);
}

void
relais_say(struct relais *r, const char *line)
{
	struct err err = { 0 };

	if (ctl_client_line(r->client, line, &err) != 0)
		(void)relais_complain(r, RELAIS_FAILED, "%s", err.text);
}

/* --- the command line ----------------------------------------------------- */

static void
show_usage(const struct relais *r, const char *verb, const char *args)
{
	const char *usage = _("usage: ");

	(void)fputs(usage, stdout);
	relais_printf_wrapped(r, str_width(bytes_str(usage)),
	    "relais [-c FILE] [--json] %s%s%s", verb,
	    args[0] != '\0' ? " " : "", args);
	(void)putchar('\n');
}

static int
show_help_of(const struct relais *r, const struct relais_command *c)
{
	show_usage(r, c->name, c->args[0] != '\0' ? _(c->args) : "");
	relais_printf_wrapped(r, 0, "%s.", _(c->help));
	if (c->details == NULL)
		return RELAIS_DONE;
	(void)putchar('\n');
	for (const char *line = _(c->details), *end; *line != '\0';
	     line = end) {
		size_t n = strcspn(line, "\n");

		relais_printf_wrapped(r, 0, "%.*s", (int)n, line);
		end = line + n + (line[n] == '\n');
	}
	return RELAIS_DONE;
}

static int
show_help(const struct relais *r)
{
	enum { NAMES = 9, INDENT = 2 + NAMES + 1 };

	show_usage(r, _("VERB"), _("[ARGUMENT ...]"));
	for (size_t i = 0; i < COMMANDS; i++) {
		(void)printf("  %-*s ", NAMES, commands[i]->name);
		relais_print_wrapped(
		    r, COLOUR_NONE, INDENT, _(commands[i]->help));
	}
	(void)putchar('\n');
	relais_print_wrapped(r, COLOUR_NONE, 0,
	    _("\"relais VERB --help\" describes one verb, relais(1) all of "
	      "them."));
	return RELAIS_DONE;
}

static const struct relais_command *
command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
unknown_verb(const struct relais *r, const char *name)
{
	const char *best = NULL;
	int limit = 2;

	for (size_t i = 0; i < COMMANDS; i++)
		if (str_is_nearer(name, commands[i]->name, &limit))
			best = commands[i]->name;
	if (best != NULL)
		return relais_complain(r, RELAIS_USAGE,
		    "unknown verb \"%s\": did you mean \"%s\"?", name, best);
	return relais_complain(r, RELAIS_USAGE,
	    "unknown verb \"%s\"; for the list, type: relais --help", name);
}

/* One word that may stand before or behind the verb.  1: taken, with the next
 * if *ret_took_next; 0: it is something else; -1: wrong. */
static int
take_option(
    struct relais *r, const char *word, const char *next, bool *ret_took_next)
{
	*ret_took_next = false;
	if (strcmp(word, "--json") == 0) {
		r->is_json = true;
		return 1;
	}
	if (strncmp(word, "-c", 2) != 0)
		return 0;
	*ret_took_next = word[2] == '\0';
	r->conf_file = word[2] != '\0' ? word + 2 : next;
	return r->conf_file != NULL ? 1 : -1;
}

/* Options out of argv, in front of the verb and behind it; the other words go
 * to rest.  Words that only a command knows ("--all") are left to it. */
static int
sort_words(struct relais *r, int argc, char *const *argv, char **rest,
    bool *ret_wants_help)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		bool took_next;
		int took;

		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				rest[n++] = argv[i];
			break;
		}
		took = take_option(
		    r, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &took_next);
		if (took < 0)
			return -1;
		if (took == 1)
			i += took_next;
		else if (strcmp(argv[i], "--help") == 0 ||
			 strcmp(argv[i], "-h") == 0)
			*ret_wants_help = true;
		else
			rest[n++] = argv[i];
	}
	return n;
}

static int
run_verb(struct relais *r, int argc, char *const *argv, char **rest)
{
	bool wants_help = false;
	int n = sort_words(r, argc, argv, rest, &wants_help);

	if (!r->is_json)
		language_convert_output();
	if (n < 0)
		return relais_complain(r, RELAIS_USAGE, "-c needs a file");
	if (n == 0 && wants_help)
		return show_help(r);
	if (n == 0)
		return relais_complain(r, RELAIS_USAGE,
		    "no verb given; for the list, type: relais --help");
	/* "relais help" and "relais help VERB" are what people type first. */
	if (strcmp(rest[0], "help") == 0) {
		if (n == 1)
			return show_help(r);
		wants_help = true;
		rest++;
	}
	r->command = strcmp(rest[0], "--version") == 0 ? &cmd_version
						       : command_find(rest[0]);
	if (r->command == NULL)
		return unknown_verb(r, rest[0]);
	if (wants_help)
		return show_help_of(r, r->command);
	if (r->command->has_secret)
		privilege_bind_calls(argv);
	return r->command->run(r, n - 1, rest + 1);
}

int
main(int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR");
	struct relais r = {
		.answer_ms = ANSWER_MS,
		.has_colour = isatty(STDOUT_FILENO) == 1 &&
			      (no_colour == NULL || *no_colour == '\0'),
		.width = terminal_columns(),
	};
	char **rest = xcalloc((size_t)argc + 1, sizeof(char *));
	int status;

	language_choose();
	language_convert_errors();
	status = run_verb(&r, argc, argv, rest);

	ctl_client_free(r.client);
	free(r.control);
	free(rest);
	/* A listing that was not written to its end is no listing. */
	if (fflush(stdout) != 0 && status == RELAIS_DONE)
		status = RELAIS_FAILED;
	return status;
}
