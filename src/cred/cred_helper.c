/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_helper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_run.h"
#include "cred/cred_wire.h"

enum { ENV_MAX = 8, BACKSTOP_MS = 2000 };

/* All the helper, and the command it runs, will know of our environment. */
struct small_env {
	char *v[ENV_MAX + 1];
	size_t n;
};

static void
env_add(struct small_env *e, const char *name, const char *value)
{
	if (value != NULL && e->n < ENV_MAX)
		e->v[e->n++] = xasprintf("%s=%s", name, value);
}

static void
env_fill(struct small_env *e, const struct cred_env *from)
{
	*e = (struct small_env) { .n = 0 };
	env_add(e, "PATH", "/usr/local/bin:/usr/bin:/bin");
	env_add(e, "HOME", from->home);
	env_add(e, "USER", from->user);
	env_add(e, "LOGNAME", from->user);
	env_add(e, "XDG_RUNTIME_DIR", from->runtime_dir);
	env_add(e, "DBUS_SESSION_BUS_ADDRESS", from->dbus_address);
}

static void
env_clear(struct small_env *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i]);
}

/* The helper's own sentence, or that it gave none. */
static enum cred_result
refused(const struct cred_run *r, struct err *err)
{
	struct bytes said = bytes_trim(buf_bytes(&r->err));

	if (said.n > 0)
		err_set(err, ERR_SECRET, "%.*s", (int)said.n, said.p);
	else
		err_set(err, ERR_SECRET, "%s failed with exit status %d",
		    r->argv[0], r->code);
	return r->code == 2 ? CRED_NEVER : CRED_LATER;
}

static enum cred_result
not_run(const struct cred_run *r, enum cred_kind kind, struct err *err)
{
	if (kind == CRED_KEYRING && r->code == ENOENT)
		err_set(err, ERR_SECRET,
		    "password_keyring needs the program %s; install the "
		    "package relais-keyring, or use password_file or "
		    "password_command",
		    r->argv[0]);
	else
		err_set(err, ERR_SECRET, "cannot run %s: %s", r->argv[0],
		    strerror(r->code));
	return CRED_NEVER;
}

static enum cred_result
judge(const struct cred_run *r, enum cred_kind kind, enum cred_ran ran,
    struct secret **ret, struct cred_facts *facts, struct err *err)
{
	struct bytes said = buf_bytes(&r->out);

	switch (ran) {
	case CRED_RAN_NOT:
		return not_run(r, kind, err);
	case CRED_RAN_TIMEOUT:
		err_set(err, ERR_SECRET,
		    "the program or keyring that has the password did not "
		    "answer in time");
		return CRED_LATER;
	case CRED_RAN_KILLED:
		err_set(err, ERR_SECRET, "%s was killed by signal %d",
		    r->argv[0], r->code);
		return CRED_LATER;
	case CRED_RAN_EXITED:
		break;
	}
	if (r->code != 0)
		return refused(r, err);
	if (facts != NULL && !cred_facts_take(&said, facts)) {
		err_set(err, ERR_SECRET, "relais-cred broke off its answer");
		return CRED_LATER;
	}
	/* Every byte: the helper has cut what does not belong to it. */
	*ret = said.n > 0 ? secret_new(said) : NULL;
	if (*ret != NULL)
		return CRED_OK;
	err_set(err, ERR_SECRET,
	    "the password is empty or longer than %d bytes", (int)SECRET_MAX);
	return CRED_NEVER;
}

/* relais-keyring stands beside relais-cred. */
static char *
helper_path(const char *relais_cred, enum cred_kind kind)
{
	const char *slash = strrchr(relais_cred, '/');

	if (kind != CRED_KEYRING || slash == NULL)
		return xstrdup(relais_cred);
	return xasprintf(
	    "%.*s/relais-keyring", (int)(slash - relais_cred), relais_cred);
}

static enum cred_result
ask_helper(const struct cred_wire *w, const struct cred_env *env,
    struct buf *text, struct secret **ret, struct cred_facts *ret_facts,
    struct err *err)
{
	struct cred_facts facts = { .serial = 0 };
	char *path = helper_path(env->helper, w->kind);
	char *argv[] = { path, NULL };
	struct small_env small;
	struct cred_run r;
	enum cred_result result;

	env_fill(&small, env);
	cred_run_init(&r);
	r.argv = argv;
	r.envp = small.v;
	r.input = buf_bytes(text);
	r.timeout_ms = w->timeout_ms + BACKSTOP_MS;
	result = judge(&r, w->kind, cred_run(&r), ret,
	    w->kind == CRED_OAUTH ? &facts : NULL, err);
	if (result == CRED_OK && ret_facts != NULL)
		*ret_facts = facts;
	cred_run_clear(&r);
	env_clear(&small);
	free(path);
	return result;
}

static struct cred_wire
wire_of(const struct cred_request *rq, const struct cred_env *env)
{
	const struct cred_source *s = rq->source;
	struct cred_wire w = { .kind = s->kind,
		.account = rq->account,
		.command = s->kind == CRED_COMMAND ? s->value : NULL,
		.host = rq->host,
		.login = rq->login,
		.need = rq->wish.need,
		.refused = rq->wish.refused,
		.credentials = env->credentials_dir,
		.group = env->group,
		.timeout_ms = env->timeout_ms > 0 ? env->timeout_ms
						  : CRED_TIMEOUT_MS };

	if (s->oauth != NULL)
		w.oauth = *s->oauth;
	return w;
}

enum cred_result
cred_helper_ask(const struct cred_request *rq, const struct cred_env *env,
    struct secret **ret, struct err *err)
{
	struct cred_wire w = wire_of(rq, env);
	enum cred_result result = CRED_NEVER;
	struct buf text;

	buf_init(&text, CRED_WIRE_MAX);
	if (cred_wire_put(&text, &w))
		result = ask_helper(&w, env, &text, ret, rq->ret_facts, err);
	else
		err_set(err, ERR_SECRET, "%s is too long",
		    w.kind == CRED_COMMAND ? "password_command"
					   : "what is set for the sign-in");
	buf_clear(&text);
	return result;
}

static int
start_helper(
    const struct cred_env *env, struct bytes request, int talk, struct err *err)
{
	char *path = xstrdup(env->helper);
	char *argv[] = { path, NULL };
	struct small_env small;
	struct cred_run r;
	int rc = 0;

	env_fill(&small, env);
	cred_run_init(&r);
	r.argv = argv;
	r.envp = small.v;
	r.input = request;
	if (cred_run_over(&r, talk) == CRED_RAN_NOT)
		rc = err_set(err, ERR_SECRET, "cannot run %s: %s", path,
		    strerror(r.code));
	cred_run_clear(&r);
	env_clear(&small);
	free(path);
	return rc;
}

int
cred_helper_sign_in(const struct cred_request *rq, const struct cred_env *env,
    const char *flow, int talk, struct err *err)
{
	struct cred_wire w = wire_of(rq, env);
	struct buf text;
	int rc = -1;

	w.is_login = true;
	if (flow != NULL)
		w.oauth.v[CRED_OAUTH_FLOW] = (char *)(uintptr_t)flow;
	buf_init(&text, CRED_WIRE_MAX);
	if (cred_wire_put(&text, &w))
		rc = start_helper(env, buf_bytes(&text), talk, err);
	else
		err_set(
		    err, ERR_SECRET, "what is set for the sign-in is too long");
	buf_clear(&text);
	return rc;
}
