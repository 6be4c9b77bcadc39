/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is around the process, and where things are by default. */
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "conf/conf.h"

struct conf_env
conf_env_self(bool is_user, char *hostname, size_t size)
{
	const struct group *g = getgrnam("relais");

	if (gethostname(hostname, size - 1) != 0)
		hostname[0] = '\0';
	return (struct conf_env) {
		.is_user = is_user,
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
		.state_home = getenv("XDG_STATE_HOME"),
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.uid = getuid(),
		.hostname = hostname,
		.group = g != NULL ? g->gr_gid : (gid_t)-1,
	};
}

/* An XDG folder, by the variable or by its default below home. */
static char *
xdg(const char *set, const char *home, const char *below, const char *rest)
{
	/* A relative path there is invalid and ignored (XDG base directory
	 * specification). */
	if (set != NULL && set[0] == '/')
		return xasprintf("%s/%s", set, rest);
	return xasprintf("%s/%s/%s", home != NULL ? home : "", below, rest);
}

void
conf_paths_init(struct conf_paths *p, const struct conf_env *env)
{
	const char *home = env->home;
	char *run;

	if (!env->is_user) {
		*p = (struct conf_paths) {
			.file = xstrdup(RELAIS_CONF_DIR "/relais.conf"),
			.providers_own = xstrdup(RELAIS_CONF_DIR "/providers"),
			.replies_own = xstrdup(RELAIS_CONF_DIR "/replies"),
			.oauth_own = xstrdup(RELAIS_CONF_DIR "/oauth2"),
			.spool = xstrdup(RELAIS_SPOOL_DIR),
			.socket = xstrdup(RELAIS_RUN_DIR "/smtp.sock"),
			.control = xstrdup(RELAIS_RUN_DIR "/control.sock"),
		};
		return;
	}
	/* cron sets no XDG_RUNTIME_DIR; sendmail looks there, too. */
	run = env->runtime_dir != NULL && env->runtime_dir[0] == '/'
		  ? xstrdup(env->runtime_dir)
		  : xasprintf("/run/user/%lu", (unsigned long)env->uid);
	*p = (struct conf_paths) {
		.file = xdg(
		    env->config_home, home, ".config", "relais/relais.conf"),
		.providers_own = xdg(
		    env->config_home, home, ".config", "relais/providers"),
		.replies_own = xdg(
		    env->config_home, home, ".config", "relais/replies"),
		.oauth_own = xdg(
		    env->config_home, home, ".config", "relais/oauth2"),
		.spool = xdg(
		    env->state_home, home, ".local/state", "relais/spool"),
		.socket = xasprintf("%s/relais/smtp.sock", run),
		.control = xasprintf("%s/relais/control.sock", run),
	};
	free(run);
}

void
conf_paths_clear(struct conf_paths *p)
{
	free(p->file);
	free(p->providers_own);
	free(p->replies_own);
	free(p->oauth_own);
	free(p->spool);
	free(p->socket);
	free(p->control);
}
