/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/verbs.h"
#include "sys/language.h"
#include "sys/privilege.h"

/* --- the command line ----------------------------------------------------- */

struct option {
	const char *name;
	size_t flag,
	    value; /* offset in struct setup_args; SIZE_MAX: not that */
};
#define FLAG(name, field)                                                      \
	{                                                                      \
		name, offsetof(struct setup_args, field), SIZE_MAX             \
	}
#define VALUE(name, field)                                                     \
	{                                                                      \
		name, SIZE_MAX, offsetof(struct setup_args, field)             \
	}
static const struct option options[] = {
	VALUE("-c", conf_file),
	VALUE("--provider", provider),
	VALUE("--host", host),
	VALUE("--port", port),
	VALUE("--tls", tls),
	VALUE("--tls-ca-file", tls_ca_file),
	VALUE("--user", user),
	VALUE("--password-file", password_file),
	VALUE("--admin", admin),
	VALUE("--account", account),
	VALUE("--client-id", client_id),
	VALUE("--tenant", tenant),
	VALUE("--client-secret-file", client_secret_file),
	VALUE("--jwt-key-file", jwt_key_file),
	VALUE("--send", send_to),
	VALUE("--secret", secret_in),
	FLAG("--yes", is_yes),
	FLAG("--no-send", no_send),
	FLAG("--json", is_json),
	FLAG("--force", is_forced),
};

static const char help[] = N_(
    "usage: relais setup [ADDRESS] [--provider KEY] [--host NAME [--port N]\n"
    "           [--tls implicit|starttls] [--tls-ca-file FILE]] [--user NAME]\n"
    "           [--password-file FILE|-] [--admin ADDRESS] [--account NAME]\n"
    "           [--secret file|keyring|credential] [--client-id ID]\n"
    "           [--tenant NAME] [--client-secret-file FILE|-]\n"
    "           [--jwt-key-file FILE|-] [--yes] [--force] [--no-send] "
    "[--json]\n"
    "           [-c FILE]\n"
    "Finds the provider of an address, logs in, writes the configuration, "
    "starts\n"
    "the daemon and sends a message.  Asks what is not given, if there is a\n"
    "terminal.\n");

static int
usage(const char *what, const char *why)
{
	(void)fprintf(
	    stderr, _("relais: %s: %s; see: relais help setup\n"), what, why);
	return SETUP_PERSON;
}

/* "--name=value" and "--name value".  1: taken; 0: no option; -1: wrong. */
static int
take_option(struct setup_args *args, int argc, char *const *argv, int *i)
{
	const char *word = argv[*i];
	size_t n = strcspn(word, "=");

	for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
		const struct option *o = &options[k];

		if (strlen(o->name) != n || strncmp(o->name, word, n) != 0)
			continue;
		if (o->flag != SIZE_MAX && word[n] == '\0') {
			*(bool *)((char *)args + o->flag) = true;
			return 1;
		}
		if (o->flag != SIZE_MAX || (word[n] == '\0' && *i + 1 == argc))
			return -1;
		*(const char **)((char *)args + o->value) = word[n] == '='
								? word + n + 1
								: argv[++*i];
		return 1;
	}
	return word[0] == '-' ? -1 : 0;
}

/* 0: go on. */
static int
take_words(struct setup *s, int argc, char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		int took = take_option(&s->args, argc, argv, &i);

		if (took < 0)
			return usage(argv[i], _("unknown option, or no value"));
		if (took == 0 && s->address != NULL)
			return usage(argv[i], _("one address only"));
		if (took == 0)
			s->address = xstrdup(argv[i]);
	}
	return 0;
}

/* --- the surroundings ----------------------------------------------------- */

static void
look_around(struct setup *s)
{
	s->env = conf_env_self(
	    geteuid() != 0, s->hostname, sizeof(s->hostname));
	conf_paths_init(&s->paths, &s->env);
	s->file = s->args.conf_file != NULL ? s->args.conf_file : s->paths.file;
}

static enum setup_status
load_presets(struct setup *s)
{
	struct err err = { 0 };

	s->presets = providers_load(&s->env, geteuid(), &err);
	return s->presets != NULL
		   ? SETUP_DONE
		   : setup_stop(s->report, SETUP_PERSON, "%s", err.text);
}

static enum setup_status
load(struct setup *s)
{
	struct conf_problems problems = { 0 };
	struct err err = { 0 };
	struct conf_env env = s->env;
	enum setup_status status = load_presets(s);

	if (status != SETUP_DONE)
		return status;
	if (access(RELAIS_DATA_DIR "/ispdb", R_OK) == 0) {
		s->mozilla = providers_new();
		if (providers_read(
			s->mozilla, RELAIS_DATA_DIR "/ispdb", &err) != 0)
			dialogue_say("%s", err.text);
	}
	env.lacks_secrets = env.lacks_accounts = true;
	if (access(s->file, F_OK) == 0 &&
	    conf_load(s->file, &env, &s->old, &problems) != 0)
		status = setup_stop(s->report, SETUP_PERSON,
		    "%s; repair or move that file first",
		    problems.n > 0 ? problems.v[0].text : s->file);
	conf_problems_clear(&problems);
	return status;
}

/* Else the secret would be of a user who is not the daemon. */
static enum setup_status
look_for_user(struct setup *s)
{
	struct privilege_user user;
	struct err err = { 0 };

	if (geteuid() != 0 ||
	    privilege_find(
		s->old != NULL ? s->old->user : "relais", &user, &err) == 0)
		return SETUP_DONE;
	return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
}

/* Of those above the file, the nearest that is there, in path; false: the file
 * is in the current one. */
static bool
cut_to_folder(char *path)
{
	char *slash;

	do {
		slash = strrchr(path, '/');
		if (slash == NULL)
			return false;
		slash[slash == path] = '\0';
	} while (slash != path && access(path, F_OK) != 0);
	return true;
}

/* Before any question is asked: can the file be written? */
static enum setup_status
look_for_room(struct setup *s)
{
	char *folder = xstrdup(s->file);
	enum setup_status status = SETUP_DONE;

	if (cut_to_folder(folder) && access(folder, W_OK) != 0)
		status = setup_stop(s->report, SETUP_PERSON,
		    "cannot write in %s: %s; with -c FILE the configuration "
		    "goes to another place",
		    folder, strerror(errno));
	free(folder);
	return status;
}

/* --- all of it ------------------------------------------------------------ */

static enum setup_status
sign_in(struct setup *s)
{
	return s->oauth != NULL ? setup_sign_in(s) : SETUP_DONE;
}

static enum setup_status
send_first(struct setup *s)
{
	return s->args.no_send ? SETUP_DONE : setup_send(s);
}

static enum setup_status
find_names(struct setup *s)
{
	enum setup_status status = setup_choose_names(s);

	setup_report(s, "account", s->account);
	return status;
}

static enum setup_status
start_daemon(struct setup *s)
{
	enum setup_status status = setup_start(s);

	/* Without a message the daemon is not needed yet. */
	return s->args.no_send ? SETUP_DONE : status;
}

static enum setup_status
go(struct setup *s)
{
	static enum setup_status (*const steps[])(struct setup * s) = { load,
		look_for_room, look_for_user, setup_find_address,
		setup_find_server, setup_find_user, find_names, setup_log_in,
		setup_find_admin, setup_write, start_daemon, sign_in,
		send_first };
	enum setup_status status = SETUP_DONE;

	for (size_t i = 0;
	     status == SETUP_DONE && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = steps[i](s);
	return status;
}

/* The words of the command line and the surroundings; 0: go on. */
static int
begin_setup(struct setup *s, int argc, char **argv, const char *text)
{
	int status;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			language_convert_output();
			(void)fputs(_(text), stdout);
			exit(0);
		}
	s->report = json_object();
	status = take_words(s, argc, argv);
	if (s->args.is_json)
		dialogue_be_quiet();
	else
		language_convert_output();
	look_around(s);
	return status;
}

static void
print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_INDENT(2));
	(void)putchar('\n');
}

int
setup_main(int argc, char **argv)
{
	static const char *const words[] = { "done", "later", "person" };
	struct setup s = { .args.conf_file = NULL };
	int status = begin_setup(&s, argc, argv, help);

	if (status == 0) {
		status = (int)go(&s);
		setup_report(&s, "result", words[status]);
		if (s.args.is_json)
			print_json(s.report);
	}
	setup_clear(&s);
	return status;
}

/* --- a server that is not configured -------------------------------------- */

static const char check_help[] = N_(
    "usage: relais check --host NAME|--provider KEY [ADDRESS] [--port N]\n"
    "           [--tls implicit|starttls] [--tls-ca-file FILE] [--user NAME]\n"
    "           [--password-file FILE|-] [--send ADDRESS] [--json]\n"
    "Tries a server that is not configured; with an address, logs in too.\n");

static enum setup_status
check(struct setup *s)
{
	bool is_refused;
	enum setup_status status = load_presets(s);

	s->account = xstrdup("check");
	if (status == SETUP_DONE)
		status = s->args.provider != NULL ? setup_take_provider(s)
						  : setup_take_host(s);
	if (status == SETUP_DONE)
		status = setup_find_check_login(s);
	return status == SETUP_DONE ? setup_try(s, &is_refused) : status;
}

int
check_main(int argc, char **argv)
{
	struct setup s = { .args.conf_file = NULL };
	int status = begin_setup(&s, argc, argv, check_help);

	if (status == 0 && s.args.provider == NULL && s.args.host == NULL)
		status = usage("check", _("expected --host or --provider"));
	else if (status == 0)
		status = (int)check(&s);
	if (s.args.is_json && json_object_get(s.report, "checks") != NULL)
		print_json(json_object_get(s.report, "checks"));
	setup_clear(&s);
	return status;
}
