/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "conf/conf_build.h"
#include "conf/oauth_rows.h"
#include "cred/cred_file.h"
#include "mail/addr.h"
#include "sys/log_format.h"
#include "sys/trust.h"

/* --- building ------------------------------------------------------------- */

static void
check_relais(const struct conf_build *b, const struct conf_section *s)
{
	const struct conf *c = b->conf;
	const struct conf_value *v = conf_section_get(s, "retry_after");

	if (c->admin != NULL && addr_is_local_name(bytes_str(c->admin), NULL))
		conf_problem_add(b->problems, b->raw->file,
		    conf_section_get(s, "admin")->line, "admin in [relais]",
		    "%s is a name of this machine; give an address that a "
		    "provider can deliver to",
		    c->admin);
	if (c->retry_after_ms < 1000)
		conf_problem_add(b->problems, b->raw->file, v ? v->line : 0,
		    "retry_after in [relais]", "at least 1s");
	v = conf_section_get(s, "store");
	if (c->store == CONF_STORE_POSTGRES && c->store_url == NULL)
		conf_problem_add(b->problems, b->raw->file, v ? v->line : 0,
		    "store in [relais]",
		    "postgres needs a database; add store_url = "
		    "postgres://USER@HOST/DATABASE");
	v = conf_section_get(s, "log_format");
	if (c->log_format == LOG_FORMAT_JOURNAL && strcmp(c->log, "auto") != 0)
		conf_problem_add(b->problems, b->raw->file, v ? v->line : 0,
		    "log_format in [relais]",
		    "journal writes to the journal alone: remove log");
	v = conf_section_get(s, "lifetime");
	if (c->lifetime_ms < c->retry_after_ms)
		conf_problem_add(b->problems, b->raw->file, v ? v->line : 0,
		    "lifetime in [relais]",
		    "shorter than retry_after, so no message would be retried");
}

/* The user that the daemon runs as. */
static uid_t
find_owner(const struct conf_build *b)
{
	char space[1024];
	struct passwd pw, *found = NULL;

	if (b->env->is_user || b->env->text != NULL ||
	    getpwnam_r(b->conf->user, &pw, space, sizeof(space), &found) != 0 ||
	    found == NULL)
		return geteuid();
	return pw.pw_uid;
}

/* The file itself: anyone who can change it can have root's daemon run a
 * program. */
static void
check_file(const struct conf_build *b)
{
	struct err err;

	err_clear(&err);
	if (b->env->text == NULL &&
	    trust_file(b->conf->file, b->owner, &err) != 0)
		conf_problem_add(
		    b->problems, b->conf->file, 0, NULL, "%s", err.text);
}

static void
build_relais(struct conf_build *b)
{
	const struct conf_section *s = conf_raw_find(
	    b->raw, SETTING_RELAIS, NULL);
	struct conf *c = b->conf;
	struct conf_paths p;

	setting_defaults(SETTING_RELAIS, c);
	conf_paths_init(&p, b->env);
	free(c->spool);
	free(c->socket);
	free(c->control);
	c->spool = p.spool;
	c->socket = p.socket;
	c->control = p.control;
	p.spool = p.socket = p.control = NULL;
	conf_paths_clear(&p);
	conf_section_store(s, b->env->home, c);
	b->owner = find_owner(b);

	c->host_found = xstrdup(c->hostname != NULL ? c->hostname
				: b->env->hostname  ? b->env->hostname
						    : "localhost");
	if (b->env->hostname != NULL)
		c->host_machine = xstrdup(b->env->hostname);
	check_relais(b, s);
}

int
conf_load(const char *file, const struct conf_env *env, struct conf **ret,
    struct conf_problems *problems)
{
	size_t before = problems->n;
	struct conf_raw *raw = conf_read(file, env, problems);
	struct conf_build b = { .env = env,
		.raw = raw,
		.problems = problems,
		.conf = xcalloc(1, sizeof(struct conf)) };

	b.conf->file = xstrdup(file);
	build_relais(&b);
	check_file(&b);
	conf_build_listens(&b);
	conf_build_accounts(&b);
	providers_free(b.providers);
	oauth_rows_free(b.oauth);
	conf_raw_free(raw);
	conf_problems_name(problems, before, env->vars);
	if (problems->n > 0) {
		conf_free(b.conf);
		return -1;
	}
	*ret = b.conf;
	return 0;
}

struct conf *
conf_ref(struct conf *c)
{
	c->refs++;
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL || c->refs-- > 0)
		return;
	for (size_t i = 0; i < c->nlistens; i++)
		conf_listen_clear(&c->listens[i]);
	for (size_t i = 0; i < c->naccounts; i++)
		conf_account_clear(&c->accounts[i]);
	setting_clear(SETTING_RELAIS, c);
	free(c->listens);
	free(c->accounts);
	free(c->host_found);
	free(c->host_machine);
	free(c->file);
	free(c);
}

void
conf_keep_secrets(struct conf *to, const struct conf *from)
{
	for (size_t i = 0; i < to->naccounts; i++) {
		struct cred_source *s = &to->accounts[i].secret;
		int old = conf_account_find(from, to->accounts[i].name);
		const struct cred_source *o;

		if (s->kind != CRED_FILE || s->secret != NULL || old < 0)
			continue;
		o = &from->accounts[old].secret;
		if (o->kind == CRED_FILE && strcmp(o->value, s->value) == 0 &&
		    o->secret != NULL && cred_file_is_same(o)) {
			s->secret = secret_dup(o->secret);
			s->stamp = o->stamp;
		}
	}
}

static void
keep_string(const struct setting *st, struct conf *to, const struct conf *from)
{
	char **field = (char **)(void *)((char *)to + st->field);
	const char *old = *(
	    char *const *)(const void *)((const char *)from + st->field);

	free(*field);
	*field = xstrdup(old);
}

static void
keep_field(const struct setting *st, struct conf *to, const struct conf *from)
{
	if (st->type == SETTING_ENUM) {
		memcpy((char *)to + st->field, (const char *)from + st->field,
		    sizeof(int));
		return;
	}
	keep_string(st, to, from);
}

void
conf_keep_started(struct conf *to, const struct conf *from)
{
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].needs_restart)
			keep_field(&settings[i], to, from);
}

const char *
conf_node_name(const struct conf *c)
{
	if (c->store_node != NULL)
		return c->store_node;
	return c->host_machine != NULL ? c->host_machine : c->host_found;
}
