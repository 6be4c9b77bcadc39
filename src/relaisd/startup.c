/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf_vars.h"
#include "net/listen.h"
#include "relaisd/background.h"
#include "relaisd/offline.h"
#include "relaisd/routing.h"
#include "relaisd/unapplied.h"
#include "sys/clock_sys.h"
#include "sys/log_sys.h"

/* Longer than a worker takes to stop (relaisd/worker.c). */
enum { ORPHAN_MS = 25 * 1000, ORPHAN_POLL_MS = 50 };

/* --- what there is -------------------------------------------------------- */

static char *
absolute_path(const char *path)
{
	char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	char *full = cwd != NULL ? xasprintf("%s/%s", cwd, path)
				 : xstrdup(path);

	free(cwd);
	return full;
}

static void
take_variables(struct startup *s)
{
	s->vars = conf_vars_take(environ);
	s->env.vars = s->vars;
	s->env.is_file_optional = s->args->conf_file == NULL;
	for (size_t i = 0; i < s->vars->n; i++)
		if (s->vars->v[i].text == NULL)
			log_text(LOG_LEVEL_WARNING,
			    "%s: a secret in a variable is seen by all who "
			    "may look at this service; better put it in a file "
			    "and its path in %s_FILE",
			    s->vars->v[i].name, s->vars->v[i].name);
}

void
startup_find(struct startup *s, const struct daemon_args *args)
{
	*s = (struct startup) { .args = args };
	s->env = conf_env_self(
	    s->args->is_user, s->hostname, sizeof(s->hostname));
	if (args->is_environment)
		take_variables(s);
	conf_paths_init(&s->paths, &s->env);
	conf_copy_init(&s->copy);
	rng_fill(rng_sys(), s->copy.key, sizeof(s->copy.key));
	if (!args->is_check && !args->is_one_process)
		s->env.copy = &s->copy;
	s->file = absolute_path(
	    s->args->conf_file != NULL ? s->args->conf_file : s->paths.file);
	privilege_self(&s->user);
	s->cred = (struct cred_env) {
		.helper = RELAIS_LIBEXEC_DIR "/relais-cred",
		.credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
		.group = s->env.group,
		.runtime_dir = s->args->is_user ? s->env.runtime_dir : NULL,
		.dbus_address = s->args->is_user
				    ? getenv("DBUS_SESSION_BUS_ADDRESS")
				    : NULL,
	};
	if (getenv("RELAIS_CRED_HELPER") != NULL && geteuid() == getuid())
		s->cred.helper = getenv("RELAIS_CRED_HELPER");
}

void
startup_forget(struct startup *s)
{
	buf_clear(&s->copy.text);
	explicit_bzero(s->copy.key, sizeof(s->copy.key));
	conf_vars_free(s->vars);
	s->vars = NULL;
	s->env.vars = NULL;
}

void
startup_clear(struct startup *s)
{
	startup_forget(s);
	conf_paths_clear(&s->paths);
	free(s->file);
}

/* --- the configuration ---------------------------------------------------- */

struct conf *
startup_load(struct startup *s, struct err *err)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;

	if (conf_load(s->file, &s->env, &conf, &problems) != 0) {
		(void)err_set(err, ERR_CONFIG, "%s", problems.v[0].text);
		for (size_t i = 0; i < problems.n; i++)
			log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	}
	conf_problems_clear(&problems);
	return conf;
}

int
startup_check(const struct startup *s, const struct conf *conf)
{
	if (offline_check(conf, s->paths.replies_own, &s->env) > 0)
		return EX_CONFIG;
	(void)printf("%s", s->file);
	if (s->vars != NULL)
		(void)printf(" and %zu variable%s", s->vars->n,
		    s->vars->n == 1 ? "" : "s");
	(void)printf(": good, %zu account%s\n", conf->naccounts,
	    conf->naccounts == 1 ? "" : "s");
	return EX_OK;
}

int
startup_open_log(
    const struct startup *s, const struct conf *conf, struct err *err)
{
	const char *log = conf->log;

	if (strcmp(log, "auto") == 0)
		log = s->args->is_foreground ? "stderr" : "syslog";
	if (log_sys_open(log, conf->log_format, err) == 0)
		return 0;
	if (conf->log_format != LOG_FORMAT_JOURNAL ||
	    log_sys_open(log, LOG_FORMAT_TEXT, NULL) != 0)
		return -1;
	/* Mail is worth more than the form of the log. */
	log_text(LOG_LEVEL_WARNING, "%s; log_format = text is used", err->text);
	return 0;
}

/* --- a reload ------------------------------------------------------------- */

/* What only shows beside the configuration in force. */
static int
check_change(const struct conf *c, const struct conf *in_force, struct err *err)
{
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct conf_account *a = &c->accounts[i];
		int old = conf_account_find(in_force, a->name);

		/* One that was broken before stands in nobody's way. */
		if ((old < 0 ||
			!routing_same_tls(a, &in_force->accounts[old])) &&
		    routing_check_tls(a, err) != 0)
			return -1;
	}
	return 0;
}

/* Secrets are fetched when a login needs them; but who asks for a reload may
 * have changed one, and should not have to wait for that to hear it. */
static void
look_at_secrets(const struct startup *s, const struct conf *conf)
{
	struct secret *secret = NULL;
	struct err err;

	for (size_t i = 0; i < conf->naccounts; i++) {
		const struct conf_account *a = &conf->accounts[i];
		struct cred_request rq = { .source = &a->secret,
			.account = a->name };

		if (a->secret.kind != CRED_FILE)
			continue;
		if (cred_fetch(&rq, &s->cred, &secret, &err) == CRED_OK)
			secret_free(secret);
		else
			log_err(LOG_LEVEL_ERROR, &err);
	}
}

struct conf *
startup_reload(struct startup *s, struct startup_bound *bound,
    const struct conf *in_force, struct err *err)
{
	struct conf *conf = startup_load(s, err);

	if (conf == NULL)
		goto refused;
	unapplied_log(in_force, conf);
	conf_keep_started(conf, in_force);
	conf_keep_secrets(conf, in_force);
	if (check_change(conf, in_force, err) == 0 &&
	    sockets_open(&bound->sockets, conf, err) == 0) {
		look_at_secrets(s, conf);
		return conf;
	}
	log_err(LOG_LEVEL_ERROR, err);
	conf_free(conf);
refused:
	log_text(LOG_LEVEL_ERROR,
	    "reload refused; the current configuration stays in force");
	return NULL;
}

/* --- as root -------------------------------------------------------------- */

static int
make_socket_dir(
    const char *socket, const struct privilege_user *u, struct err *err)
{
	char *copy = xstrdup(socket);
	int rc = privilege_make_dir(dirname(copy), 0755, u, err);

	free(copy);
	if (rc != 0 && geteuid() != 0) {
		char *why = xstrdup(err->text);

		(void)err_set(err, err->class,
		    "%s; set XDG_RUNTIME_DIR to a folder of your own, or let "
		    "systemd make one at every boot: loginctl enable-linger %s",
		    why, u->name);
		free(why);
	}
	return rc;
}

size_t
startup_descriptors(const struct conf *conf)
{
	return 2 * (size_t)conf->max_sessions + 1000;
}

static int
in_use(const char *spool, struct err *err)
{
	return err_set(err, ERR_BUSY,
	    "the spool %s is in use by another relaisd; stop that one first, "
	    "or give this one a spool of its own",
	    spool);
}

/* The worker of a keeper that was killed still has the spool's own lock, and
 * what was accepted is safest if it ends by itself. */
static void
await_orphan(int spool_fd)
{
	int fd = openat(spool_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const struct timespec nap = { 0, ORPHAN_POLL_MS * 1000000 };
	int tries = ORPHAN_MS / ORPHAN_POLL_MS;

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		log_text(LOG_LEVEL_NOTICE,
		    "waiting for an earlier relaisd to finish what is under "
		    "way");
		while (tries-- > 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
			(void)nanosleep(&nap, NULL); /* about so long */
	}
	(void)close(fd); /* and the lock is gone */
}

/* The lock of the folder is the keeper's, as long as it lives: so a second
 * relaisd is told at once, and one whose predecessor was killed waits. */
static int
claim_spool(const char *spool, int *ret_fd, struct err *err)
{
	*ret_fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return 0; /* the worker will say why */
	if (flock(*ret_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return in_use(spool, err);
	await_orphan(*ret_fd);
	return 0;
}

int
startup_bind(struct startup *s, const struct conf *conf,
    struct startup_bound *ret, struct err *err)
{
	s->watchdog_ms = listen_watchdog_ms();
	*ret = (struct startup_bound) { .control_fd = -1, .spool_fd = -1 };
	privilege_want_descriptors(startup_descriptors(conf));
	if (geteuid() == 0 && privilege_find(conf->user, &s->user, err) != 0)
		return -1;
	if (privilege_harden(err) != 0 ||
	    privilege_make_dir(conf->spool, 0711, &s->user, err) != 0 ||
	    make_socket_dir(conf->socket, &s->user, err) != 0 ||
	    make_socket_dir(conf->control, &s->user, err) != 0 ||
	    claim_spool(conf->spool, &ret->spool_fd, err) != 0 ||
	    sockets_open(&ret->sockets, conf, err) != 0 ||
	    (ret->control_fd = listen_unix(conf->control, 0666, err)) < 0 ||
	    privilege_drop(&s->user, err) != 0)
		return -1;
	s->cred.home = s->user.home;
	s->cred.user = s->user.name;
	return 0;
}

int
startup_status(const struct err *err)
{
	return err->class == ERR_CONFIG ? EX_CONFIG
	       : err->class == ERR_DISK ? EX_CANTCREAT
	       : err->class == ERR_BUSY ? EX_TEMPFAIL
					: EX_OSERR;
}

void
startup_let_reload(int how)
{
	sigset_t set;

	/* None of these can fail for this signal. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(how, &set, NULL);
}

void
startup_tell(const struct startup *s, const struct conf *conf, int report_fd)
{
	log_text(LOG_LEVEL_NOTICE, "relaisd runs as %s with %zu account%s",
	    s->user.name, conf->naccounts, conf->naccounts == 1 ? "" : "s");
	if (conf->admin == NULL)
		log_text(LOG_LEVEL_WARNING,
		    "admin is not set in [relais]: no one "
		    "reads mail for root and notices");
	listen_notify("READY=1");
	background_report(report_fd);
}
