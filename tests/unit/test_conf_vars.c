/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings in environment variables: names, what they replace, what is left
 * alone, and that no secret stays where it was. */
#include "tests/lib/files.h"

#include <ctype.h>

#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_vars.h"

enum { VARS_MAX = 16 };

struct loaded {
	struct files files;
	char *env[VARS_MAX + 1]; /* as a process would have it */
	struct conf_vars *vars;
	struct conf *conf; /* NULL: refused */
	struct conf_problems problems;
};

/* text NULL: there is no file.  env ends with NULL. */
static void
load(struct loaded *l, const char *text, const char *const *env)
{
	struct conf_env e = { .providers_own = "/nonexistent",
		.oauth_own = "/nonexistent",
		.hostname = "box.example",
		.group = (gid_t)-1,
		.is_file_optional = true };
	const char *srcdir = getenv("srcdir");
	char *providers = xasprintf(
	    "%s/src/conf/providers", srcdir ? srcdir : ".");
	char *file;

	*l = (struct loaded) { .conf = NULL };
	files_init(&l->files);
	for (size_t i = 0; env[i] != NULL; i++) {
		assert_true(i < VARS_MAX);
		l->env[i] = xstrdup(env[i]);
	}
	l->vars = conf_vars_take(l->env);
	file = xasprintf("%s/relais.conf", l->files.dir);
	if (text != NULL)
		IGNORE(!files_put(&l->files, "relais.conf", text, 0600));
	e.providers = providers;
	e.vars = l->vars;
	if (conf_load(file, &e, &l->conf, &l->problems) != 0)
		l->conf = NULL;
	free(file);
	free(providers);
}

#define LOAD(l, text, ...)                                                     \
	load(l, text, (const char *const[]) { __VA_ARGS__, NULL })

static void
good(const struct loaded *l)
{
	if (l->conf == NULL)
		fail_msg("%s", l->problems.v[0].text);
}

static void
bad(const struct loaded *l, const char *text)
{
	if (l->conf != NULL)
		fail_msg("accepted");
	if (strstr(l->problems.v[0].text, text) == NULL)
		fail_msg(
		    "\"%s\" is not in \"%s\"", text, l->problems.v[0].text);
	if (l->problems.n != 1)
		fail_msg("and also: %s", l->problems.v[1].text);
}

static void
unload(struct loaded *l)
{
	for (size_t i = 0; l->env[i] != NULL; i++)
		free(l->env[i]);
	conf_vars_free(l->vars);
	conf_free(l->conf);
	conf_problems_clear(&l->problems);
	files_clear(&l->files);
}

static const char a_file[] =
    "[relais]\nadmin = me@example.org\nlisten = localhost:2525\n"
    "allow_users = alice bob\n"
    "[account work-1]\nhost = mail.example\nuser = me@example.org\n"
    "password = from the file\n";

/* --- names ---------------------------------------------------------------- */

static void
assert_target(const char *name, const struct setting *st, const char *section)
{
	struct conf_target t;
	struct buf why;

	buf_init(&why, 1000);
	if (!conf_vars_target(name, &t, &why))
		fail_msg("%s: %s", name, buf_str(&why));
	if (t.st != st)
		fail_msg("%s is %s", name, t.st->name);
	if (section == NULL)
		assert_null(t.section);
	else
		assert_string_equal(t.section, section);
	free(t.section);
	buf_clear(&why);
}

static void
every_setting_has_one_variable(void **state)
{
	(void)state;
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *st = &settings[i];
		const char *kind = st->section == SETTING_ACCOUNT  ? "ACCOUNT_"
				   : st->section == SETTING_LISTEN ? "LISTEN_"
								   : "";
		char *key = xstrdup(st->name), *name;

		for (char *p = key; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		name = xasprintf("RELAIS_%s%s", kind, key);
		assert_target(name, st, NULL);
		free(name);
		if (kind[0] != '\0') {
			name = xasprintf("RELAIS_%sA_B__%s", kind, key);
			assert_target(name, st, "a_b");
			free(name);
		}
		free(key);
	}
}

static void
an_unknown_variable_is_an_error_with_the_nearest_name(void **state)
{
	static const struct {
		const char *var, *says;
	} rows[] = {
		{ "RELAIS_ADMN=me@example.org",
		    "RELAIS_ADMN: the environment: no such setting; did you "
		    "mean RELAIS_ADMIN?" },
		{ "RELAIS_ACOUNT_HOST=x", "did you mean RELAIS_ACCOUNT_HOST?" },
		{ "RELAIS_ACCOUNT_WORK__HOTS=x",
		    "did you mean RELAIS_ACCOUNT_WORK__HOST?" },
		{ "RELAIS_Admin=x", "did you mean RELAIS_ADMIN?" },
		{ "RELAIS_ACCOUNT___HOST=x",
		    "did you mean RELAIS_ACCOUNT_HOST?" },
		{ "RELAIS_QUITE_ANOTHER=x", "no such setting" },
		{ "RELAYHOST_PASWORD_FILE=x",
		    "did you mean RELAYHOST_PASSWORD_FILE?" },
		{ "RELAYHOST_USER=x", "did you mean RELAYHOST_USERNAME?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;

		LOAD(&l, a_file, rows[i].var);
		bad(&l, rows[i].says);
		unload(&l);
	}
}

/* The addresses of services named relais, relais-web and smtp in the same
 * namespace, and what relais's other programs read. */
static void
what_others_set_is_left_alone(void **state)
{
	struct loaded l;

	(void)state;
	LOAD(&l, a_file, "RELAIS_SERVICE_HOST=10.0.0.1",
	    "RELAIS_SERVICE_PORT=2525", "RELAIS_SERVICE_PORT_SMTP=2525",
	    "RELAIS_PORT=tcp://10.0.0.1:2525",
	    "RELAIS_PORT_2525_TCP=tcp://10.0.0.1:2525",
	    "RELAIS_PORT_2525_TCP_PROTO=tcp", "RELAIS_PORT_2525_TCP_PORT=2525",
	    "RELAIS_WEB_PORT_80_TCP_ADDR=10.0.0.1",
	    "SMTP_PORT=tcp://10.0.0.2:25", "RELAIS_DROP=/x", "RELAIS_SMTP=x:1",
	    "SMTP_SERVICE_HOST=10.0.0.2", "RELAYHOST_TLS_LEVEL=encrypt");
	good(&l);
	assert_int_equal(l.vars->n, 0);
	unload(&l);
}

/* --- values --------------------------------------------------------------- */

static void
variables_are_enough_without_a_file(void **state)
{
	struct loaded l;
	const struct conf_account *a;

	(void)state;
	LOAD(&l, NULL, "RELAYHOST=[mail.example]:465",
	    "RELAYHOST_USERNAME=me@example.org", "RELAYHOST_PASSWORD=s3 #cret",
	    "RELAIS_ADMIN=boss@example.org",
	    "RELAIS_LISTEN=", "RELAIS_LISTEN_ADDRESS=*:2525",
	    "RELAIS_LISTEN_ALLOW_FROM=10.0.0.0/8 fd00::/8",
	    "RELAIS_LIFETIME=2d # two days", "PATH=/bin");
	good(&l);
	assert_string_equal(l.conf->admin, "boss@example.org");
	assert_int_equal(l.conf->lifetime_ms, 2 * 86400000);
	assert_int_equal(l.conf->naccounts, 1);
	a = &l.conf->accounts[0];
	assert_string_equal(a->name, "default");
	assert_string_equal(a->host, "mail.example");
	assert_int_equal(a->nports, 1);
	assert_int_equal(a->ports[0].port, 465);
	assert_string_equal(a->user, "me@example.org");
	assert_int_equal(a->secret.kind, CRED_TEXT);
	assert_true(bytes_eq(secret_bytes(a->secret.secret), "s3 #cret"));
	/* The socket, and one for each family. */
	assert_int_equal(l.conf->nlistens, 3);
	assert_string_equal(l.conf->listens[0].host, "0.0.0.0");
	assert_int_equal(l.conf->listens[0].nnets, 2);
	unload(&l);
}

static void
relayhost_is_written_as_for_postfix(void **state)
{
	static const struct {
		const char *text, *host;
		int port; /* 0: not set */
	} rows[] = {
		{ "mail.example", "mail.example", 0 },
		{ "[mail.example]", "mail.example", 0 },
		{ "mail.example:587", "mail.example", 587 },
		{ "[mail.example]:587", "mail.example", 587 },
		{ "[2001:db8::1]:25", "2001:db8::1", 25 },
		{ "2001:db8::1", "2001:db8::1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = xasprintf("RELAYHOST=%s", rows[i].text);
		struct loaded l;

		LOAD(&l, NULL, text, "RELAIS_ADMIN=me@example.org");
		good(&l);
		assert_string_equal(l.conf->accounts[0].host, rows[i].host);
		assert_int_equal(
		    l.conf->accounts[0].nports, rows[i].port ? 1 : 3);
		if (rows[i].port != 0)
			assert_int_equal(
			    l.conf->accounts[0].ports[0].port, rows[i].port);
		unload(&l);
		free(text);
	}
}

static void
other_known_names_mean_the_same(void **state)
{
	struct loaded l;

	(void)state;
	LOAD(&l, NULL, "SMTP_SERVER=mail.example", "SMTP_PORT=587",
	    "SMTP_USERNAME=me@example.org", "SMTP_PASSWORD=s3cret\n");
	good(&l);
	assert_string_equal(l.conf->accounts[0].host, "mail.example");
	assert_int_equal(l.conf->accounts[0].ports[0].port, 587);
	assert_true(bytes_eq(
	    secret_bytes(l.conf->accounts[0].secret.secret), "s3cret"));
	unload(&l);
}

static void
secrets_come_from_files(void **state)
{
	static const char *const names[] = { "RELAYHOST_PASSWORD_FILE",
		"SMTP_PASSWORD_FILE", "RELAIS_ACCOUNT_PASSWORD_FILE",
		"RELAIS_ACCOUNT_WORK_1__PASSWORD_FILE" };
	struct files f;
	const char *path;

	(void)state;
	files_init(&f);
	path = files_put(&f, "secret", "s3cret\n", 0600);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *text = xasprintf("%s=%s", names[i], path);
		struct loaded l;

		/* In place of the password that the file has. */
		LOAD(&l, a_file, text);
		good(&l);
		assert_int_equal(l.conf->naccounts, 1);
		assert_int_equal(l.conf->accounts[0].secret.kind, CRED_FILE);
		assert_string_equal(l.conf->accounts[0].secret.value, path);
		unload(&l);
		free(text);
	}
	files_clear(&f);
}

static void
a_variable_replaces_what_the_file_says(void **state)
{
	struct loaded l;

	(void)state;
	LOAD(&l, a_file, "RELAIS_ACCOUNT_HOST=other.example",
	    "RELAIS_ALLOW_USERS=carol",
	    "RELAIS_ADMIN=", "RELAIS_ACCOUNT_WORK_1__MAX_PER_HOUR=7",
	    "RELAIS_LISTEN=");
	good(&l);
	assert_int_equal(l.conf->naccounts, 1);
	assert_string_equal(l.conf->accounts[0].name, "work-1");
	assert_string_equal(l.conf->accounts[0].host, "other.example");
	assert_int_equal(l.conf->accounts[0].max_per_hour, 7);
	/* A list is emptied; any other empty variable is none. */
	assert_int_equal(l.conf->allow_users.n, 1);
	assert_string_equal(l.conf->allow_users.v[0], "carol");
	assert_int_equal(l.conf->nlistens, 1);
	assert_string_equal(l.conf->admin, "me@example.org");
	unload(&l);
}

static void
several_accounts_and_listeners_have_names(void **state)
{
	struct loaded l;

	(void)state;
	LOAD(&l, a_file, "RELAIS_ACCOUNT_NEWS__HOST=news.example",
	    "RELAIS_ACCOUNT_NEWS__SENDERS=news@example.org",
	    "RELAIS_LISTEN_LAN__ADDRESS=*:2526",
	    "RELAIS_LISTEN_LAN__ALLOW_FROM=10.0.0.0/8",
	    "RELAIS_LISTEN_ADDRESS=localhost:2527");
	good(&l);
	assert_int_equal(l.conf->naccounts, 2);
	assert_string_equal(l.conf->accounts[1].name, "news");
	assert_int_equal(l.conf->default_account, 0);
	assert_string_equal(l.conf->listens[0].name, "lan");
	assert_string_equal(l.conf->listens[2].name, "default");
	unload(&l);
}

static void
two_variables_for_one_setting_are_an_error(void **state)
{
	struct loaded l;

	(void)state;
	LOAD(&l, NULL, "RELAYHOST=mail.example:25", "SMTP_PORT=587");
	bad(&l, "SMTP_PORT: port in [account default]: RELAYHOST sets it, too");
	unload(&l);
	LOAD(&l, NULL, "RELAYHOST=mail.example",
	    "RELAYHOST_USERNAME=me@example.org", "RELAYHOST_PASSWORD=x",
	    "SMTP_PASSWORD_FILE=/dev/null");
	bad(&l, "two secrets are set");
	unload(&l);
}

static void
a_problem_names_its_variable(void **state)
{
	static const struct {
		const char *a, *b, *says;
	} rows[] = {
		{ "SMTP_PORT=smtp", "RELAIS_ADMIN=a@b.example",
		    "SMTP_PORT: port = \"smtp\" in [account work-1]: expected "
		    "a port" },
		{ "RELAYHOST=https://x", "RELAIS_ADMIN=a@b.example",
		    "RELAYHOST: [account work-1]: host = https://x: write" },
		{ "RELAIS_LISTEN_ADDRESS=*:25", "RELAIS_ADMIN=a@b.example",
		    "RELAIS_LISTEN_ADDRESS: [listen default]: *:25 can be "
		    "reached from other machines: set RELAIS_LISTEN_ALLOW_FROM "
		    "to" },
		{ "RELAIS_LISTEN_ADDRESS=*:25", "RELAIS_LISTEN_ALLOW_FROM=all",
		    "RELAIS_LISTEN_ALLOW_FROM: allow_from: \"all\"" },
		{ "RELAIS_ADMIN=a@b\033", "PATH=", "a control character" },
	};
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		LOAD(&l, a_file, rows[i].a, rows[i].b);
		bad(&l, rows[i].says);
		unload(&l);
	}
	LOAD(&l, NULL, "RELAIS_ADMIN=me@example.org");
	bad(&l, "no account is configured: set RELAYHOST");
	unload(&l);
}

/* --- secrets -------------------------------------------------------------- */

static void
a_secret_is_wiped_where_it_stood(void **state)
{
	char names[][40] = { "RELAYHOST_PASSWORD=hush", "SMTP_PASSWORD=hush",
		"RELAIS_ACCOUNT_PASSWORD=hush",
		"RELAIS_ACCOUNT_X__PASSWORD=hush", "RELAYHOST_USERNAME=me" };
	char *env[ARRAY_LEN(names) + 1] = { NULL };
	struct conf_vars *vars;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		env[i] = names[i];
	vars = conf_vars_take(env);
	assert_int_equal(vars->n, ARRAY_LEN(names));
	for (size_t i = 0; i + 1 < ARRAY_LEN(names); i++) {
		assert_null(memmem(names[i], sizeof(names[i]), "hush", 4));
		assert_null(vars->v[i].text);
		assert_true(bytes_eq(secret_bytes(vars->v[i].secret), "hush"));
	}
	assert_string_equal(names[4], "RELAYHOST_USERNAME=me");
	conf_vars_free(vars);
}

/* What the process that talks to the network gets. */
static void
the_copy_has_the_variables_and_not_the_secret(void **state)
{
	struct conf_copy copy = { .key = { 1 } };
	struct conf_env e = { .providers_own = "/nonexistent",
		.hostname = "box.example",
		.group = (gid_t)-1,
		.copy = &copy };
	struct conf_problems problems = { 0 };
	struct bytes text;
	struct conf *c = NULL;
	struct loaded l;
	char *file;

	(void)state;
	LOAD(&l, a_file, "RELAIS_ACCOUNT_HOST=other.example",
	    "RELAIS_ACCOUNT_FULL_NAME=Me; and # you",
	    "RELAIS_ALLOW_USERS=carol", "RELAYHOST_PASSWORD=hush",
	    "RELAIS_LISTEN=", "RELAIS_ACCOUNT_NEWS__HOST=news.example",
	    "RELAIS_ACCOUNT_NEWS__SENDERS=news@example.org");
	good(&l);
	conf_copy_init(&copy);
	file = xasprintf("%s/relais.conf", l.files.dir);
	e.vars = l.vars;
	conf_free(l.conf);
	l.conf = NULL;
	assert_int_equal(conf_load(file, &e, &l.conf, &problems), 0);
	e.copy = NULL;
	text = buf_bytes(&copy.text);
	assert_null(memmem(text.p, text.n, "hush", 4));
	assert_null(memmem(text.p, text.n, "from the file", 13));
	e.text = &text;
	e.vars = NULL;
	if (conf_load(file, &e, &c, &problems) != 0)
		fail_msg("%s", problems.v[0].text);
	assert_int_equal(c->naccounts, 2);
	assert_string_equal(c->accounts[0].host, "other.example");
	assert_string_equal(c->accounts[0].full_name, "Me; and # you");
	assert_int_equal(c->accounts[0].secret.kind, CRED_TEXT);
	assert_int_equal(c->allow_users.n, 1);
	assert_int_equal(c->nlistens, 1);
	conf_free(c);
	buf_clear(&copy.text);
	free(file);
	unload(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_has_one_variable),
		cmocka_unit_test(
		    an_unknown_variable_is_an_error_with_the_nearest_name),
		cmocka_unit_test(what_others_set_is_left_alone),
		cmocka_unit_test(variables_are_enough_without_a_file),
		cmocka_unit_test(relayhost_is_written_as_for_postfix),
		cmocka_unit_test(other_known_names_mean_the_same),
		cmocka_unit_test(secrets_come_from_files),
		cmocka_unit_test(a_variable_replaces_what_the_file_says),
		cmocka_unit_test(several_accounts_and_listeners_have_names),
		cmocka_unit_test(two_variables_for_one_setting_are_an_error),
		cmocka_unit_test(a_problem_names_its_variable),
		cmocka_unit_test(a_secret_is_wiped_where_it_stood),
		cmocka_unit_test(the_copy_has_the_variables_and_not_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
