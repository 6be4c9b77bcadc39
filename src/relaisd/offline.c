/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/offline.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/must.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/conf_read.h"
#include "conf/replies.h"
#include "cred/argv.h"
#include "cred/cred_file.h"
#include "relaisd/routing.h"
#include "store/store_module.h"
#include "sys/privilege.h"

/* Where the helper looks for a command without a slash (cred_helper.c). */
#define COMMAND_PATH "/usr/local/bin:/usr/bin:/bin"

struct look {
	const struct conf *conf;
	struct conf_raw *raw; /* for the lines */
	gid_t group;
	struct privilege_user user; /* the daemon's */
	struct conf_problems problems, warnings;
	size_t told; /* problems that are in the log already */
};

/* --- where it stands ------------------------------------------------------ */

static int
line_of(const struct look *l, enum setting_section kind, const char *section,
    const char *setting)
{
	const struct conf_value *v = conf_section_get(
	    conf_raw_find(l->raw, kind, section), setting);

	if (v == NULL && kind == SETTING_ACCOUNT)
		v = conf_section_get(conf_raw_find(l->raw, kind, "*"), setting);
	return v != NULL ? v->line : 0;
}

/* About a setting of [relais], or of an account. */
#define RELAIS(l, list, setting, ...)                                          \
	conf_problem_add(&(l)->list, (l)->conf->file,                          \
	    line_of(l, SETTING_RELAIS, NULL, setting), setting " in [relais]", \
	    __VA_ARGS__)
#define ACCOUNT(l, list, a, setting, ...)                                      \
	account_problem(l, &(l)->list, a, setting, __VA_ARGS__)

static void account_problem(const struct look *l, struct conf_problems *to,
    const struct conf_account *a, const char *setting, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void
account_problem(const struct look *l, struct conf_problems *to,
    const struct conf_account *a, const char *setting, const char *fmt, ...)
{
	int line = line_of(l, SETTING_ACCOUNT, a->name, setting);
	char *what = xasprintf("[account %s]", a->name);
	struct buf why;
	va_list ap;

	buf_init(&why, 2000);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&why, fmt, ap)); /* cut if it is that long */
	va_end(ap);
	conf_problem_add(to, l->conf->file, line != 0 ? line : a->line, what,
	    "%s", buf_str(&why));
	buf_clear(&why);
	free(what);
}

/* --- users ---------------------------------------------------------------- */

static bool
is_number(const char *s)
{
	uint64_t n;

	return num_u64(bytes_str(s), &n);
}

static void
look_at_users(struct look *l)
{
	const struct conf *c = l->conf;

	for (size_t i = 0; i < c->allow_users.n; i++)
		if (!is_number(c->allow_users.v[i]) &&
		    getpwnam(c->allow_users.v[i]) == NULL)
			RELAIS(l, problems, "allow_users",
			    "user %s does not exist; correct the name, or "
			    "remove it",
			    c->allow_users.v[i]);
	for (size_t i = 0; i < c->allow_groups.n; i++)
		if (!is_number(c->allow_groups.v[i]) &&
		    getgrnam(c->allow_groups.v[i]) == NULL)
			RELAIS(l, problems, "allow_groups",
			    "group %s does not exist; correct the name, or "
			    "remove it",
			    c->allow_groups.v[i]);
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct conf_account *a = &c->accounts[i];

		for (size_t k = 0; k < a->users.n; k++)
			if (!is_number(a->users.v[k]) &&
			    getpwnam(a->users.v[k]) == NULL)
				ACCOUNT(l, problems, a, "users",
				    "users: user %s does not exist; correct "
				    "the name, or remove it",
				    a->users.v[k]);
	}
}

/* --- commands ------------------------------------------------------------- */

/* May the daemon's user, who we are now, run it? */
static bool
is_command(const char *name)
{
	char full[4096];

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0;
	for (const char *p = COMMAND_PATH; *p != '\0';) {
		size_t n = strcspn(p, ":");

		(void)snprintf(full, sizeof(full), "%.*s/%s", (int)n, p, name);
		if (access(full, X_OK) == 0)
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

static void
look_at_alert_command(struct look *l)
{
	const struct conf_list *cmd = &l->conf->alert_command;

	if (cmd->n == 0)
		return;
	if (cmd->v[0][0] != '/')
		RELAIS(l, problems, "alert_command",
		    "%s is not an absolute path, so no alert could be sent; "
		    "write the whole path of the program",
		    cmd->v[0]);
	else if (!is_command(cmd->v[0]))
		RELAIS(l, problems, "alert_command",
		    "user %s cannot run %s: %s; install the program, or "
		    "correct the path",
		    l->user.name, cmd->v[0], strerror(errno));
}

static void
look_at_command(struct look *l, const struct conf_account *a)
{
	char **argv = NULL;
	size_t n = 0;

	if (argv_split(a->secret.value, &argv, &n) != ARGV_OK || n == 0)
		ACCOUNT(l, problems, a, "password_command",
		    "password_command is empty, or a quote in it is not "
		    "closed");
	else if (!is_command(argv[0]))
		ACCOUNT(l, problems, a, "password_command",
		    "password_command: user %s cannot run %s; install the "
		    "program, or write its whole path",
		    l->user.name, argv[0]);
	argv_free(argv);
}

/* --- secrets -------------------------------------------------------------- */

static void
look_at_secret_file(struct look *l, const struct conf_account *a)
{
	struct secret *secret = NULL;
	struct err err;

	err_clear(&err);
	if (cred_file_read(a->secret.value, l->group, &secret, &err) == 0) {
		secret_free(secret);
		return;
	}
	/* relaisd as root reads it before it becomes its user. */
	if (err.os == EACCES && a->secret.secret != NULL)
		ACCOUNT(l, warnings, a, "password_file",
		    "only root can read %s, so relaisd must be started by root "
		    "and restarted after each change; to avoid that, type: "
		    "chown %s %s",
		    a->secret.value, l->user.name, a->secret.value);
	else if (err.os == EACCES)
		ACCOUNT(l, problems, a, "password_file",
		    "user %s cannot read %s; type: chown %s %s", l->user.name,
		    a->secret.value, l->user.name, a->secret.value);
	else
		ACCOUNT(l, problems, a, "password_file", "%s", err.text);
}

/* A provider that wants a sign-in refuses every password. */
static void
look_at_kind(struct look *l, const struct conf_account *a)
{
	if (a->provider == NULL || !a->is_token || a->auth != NULL)
		return;
	if (a->secret.kind == CRED_TEXT)
		ACCOUNT(l, problems, a, "password",
		    "provider %s takes no password, it wants a sign-in; "
		    "remove password and type: relais login %s",
		    a->provider, a->name);
	else if (a->secret.kind == CRED_FILE)
		ACCOUNT(l, warnings, a, "password_file",
		    "provider %s takes no password, it wants a sign-in; if %s "
		    "holds a password, remove password_file and type: relais "
		    "login %s",
		    a->provider, a->secret.value, a->name);
}

static void
look_at_secrets(struct look *l)
{
	for (size_t i = 0; i < l->conf->naccounts; i++) {
		const struct conf_account *a = &l->conf->accounts[i];

		look_at_kind(l, a);
		if (a->secret.kind == CRED_FILE)
			look_at_secret_file(l, a);
		else if (a->secret.kind == CRED_COMMAND)
			look_at_command(l, a);
	}
}

/* --- the spool ------------------------------------------------------------ */

/* Before we become the daemon's user: relaisd makes it as root, but not what it
 * is in; an ordinary user makes that, too. */
static void
look_for_spool(struct look *l)
{
	char *path = xstrdup(l->conf->spool), *slash;
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			RELAIS(
			    l, problems, "spool", "%s is not a folder", path);
		free(path);
		return;
	}
	do {
		slash = strrchr(path, '/');
		slash[slash == path] = '\0';
	} while (geteuid() != 0 && path[1] != '\0' && access(path, F_OK) != 0);
	if (access(path, W_OK | X_OK) != 0)
		RELAIS(l, problems, "spool",
		    "%s does not exist and cannot be made in %s: %s; type: "
		    "install -d -m 700 -o %s %s",
		    l->conf->spool, path, strerror(errno), l->user.name,
		    l->conf->spool);
	free(path);
}

static void
look_into_spool(struct look *l)
{
	const char *spool = l->conf->spool;

	if (access(spool, R_OK | W_OK | X_OK) != 0 && errno != ENOENT)
		RELAIS(l, problems, "spool",
		    "user %s cannot use %s: %s; type: chown -R %s %s",
		    l->user.name, spool, strerror(errno), l->user.name, spool);
}

/* --- all of it ------------------------------------------------------------ */

/* It says itself where it is. */
static void
add_problem(struct look *l, const struct err *err)
{
	log_err(LOG_LEVEL_ERROR, err);
	l->told++;
}

static void
ignore_port(void *ctx, int port)
{
	(void)ctx;
	(void)port;
}

/* A file that the daemon's user must be able to read. */
static void
look_at_store_file(void *ctx, const char *path)
{
	struct look *l = ctx;

	if (access(path, R_OK) != 0)
		RELAIS(l, problems, "store_url", "user %s cannot read %s: %s",
		    l->user.name, path, strerror(errno));
}

/* Whether the database answers is for relais store check to say. */
static void
look_at_store(struct look *l)
{
	const struct store_module *m;
	struct err err;

	if (l->conf->store == CONF_STORE_DISK)
		return;
	if (store_module_load("postgres", &m, &err) != 0 ||
	    m->needs(l->conf->store_url, ignore_port, look_at_store_file, l,
		&err) != 0)
		add_problem(l, &err);
}

/* As the user who started the program. */
static void
look_as_caller(struct look *l, const char *replies_file)
{
	struct replies *replies = NULL;
	struct err err;

	alias_free(alias_load(l->conf->aliases, &l->problems));
	if (replies_load(replies_file, &replies, &err) != 0)
		add_problem(l, &err);
	replies_free(replies);
	for (size_t i = 0; i < l->conf->naccounts; i++)
		if (routing_check_tls(&l->conf->accounts[i], &err) != 0)
			add_problem(l, &err);
	look_at_users(l);
	look_for_spool(l);
	if (l->conf->admin == NULL)
		RELAIS(l, warnings, "admin",
		    "not set, so no one reads mail for root and notices; add "
		    "admin = YOUR ADDRESS");
}

/* False: there is no such user. */
static bool
become_user(struct look *l)
{
	struct err err;

	if (geteuid() != 0) {
		privilege_self(&l->user);
		return true;
	}
	if (privilege_find(l->conf->user, &l->user, &err) == 0 &&
	    privilege_drop(&l->user, &err) == 0)
		return true;
	add_problem(l, &err);
	return false;
}

size_t
offline_check(
    const struct conf *c, const char *replies, const struct conf_env *env)
{
	struct conf_problems unread = { 0 }; /* told when c was read */
	struct look l = { .conf = c, .group = env->group };
	size_t n;

	l.raw = conf_read(c->file, env, &unread);
	conf_problems_clear(&unread);
	if (geteuid() != 0 || privilege_find(c->user, &l.user, NULL) != 0)
		privilege_self(&l.user);
	look_as_caller(&l, replies);
	if (become_user(&l)) {
		look_at_secrets(&l);
		look_at_alert_command(&l);
		look_into_spool(&l);
		look_at_store(&l);
	}
	conf_problems_name(&l.problems, 0, env->vars);
	conf_problems_name(&l.warnings, 0, env->vars);
	for (size_t i = 0; i < l.problems.n; i++)
		log_text(LOG_LEVEL_ERROR, "%s", l.problems.v[i].text);
	for (size_t i = 0; i < l.warnings.n; i++)
		log_text(LOG_LEVEL_WARNING, "%s", l.warnings.v[i].text);
	n = l.problems.n + l.told;
	conf_problems_clear(&l.problems);
	conf_problems_clear(&l.warnings);
	conf_raw_free(l.raw);
	return n;
}
