/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "cred/cred_file.h"
#include "cred/cred_helper.h"
#include "cred/cred_oauth.h"

void
cred_source_clear(struct cred_source *s)
{
	free(s->value);
	secret_free(s->secret);
	cred_oauth_free(s->oauth);
	*s = (struct cred_source) { .kind = CRED_NONE };
}

bool
cred_source_eq(const struct cred_source *a, const struct cred_source *b)
{
	if (a->kind != b->kind || a->is_grouped != b->is_grouped)
		return false;
	if (a->kind == CRED_TEXT)
		return secret_eq(a->secret, b->secret);
	return str_eq(a->value, b->value) && cred_oauth_eq(a->oauth, b->oauth);
}

/* "abcd efgh ijkl mnop": groups of four, single blanks between. */
static bool
is_in_groups(struct bytes b)
{
	if (b.n < 9 || (b.n + 1) % 5 != 0)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (i % 5 == 4 ? b.p[i] != ' ' : !ascii_is_alnum(b.p[i]))
			return false;
	return true;
}

/* People copy an app password as the provider shows it. */
static void
ungroup(struct secret **s)
{
	struct bytes from = secret_bytes(*s);
	struct buf b;

	if (!is_in_groups(from))
		return;
	buf_init(&b, SECRET_MAX);
	for (size_t i = 0; i < from.n; i++)
		if (from.p[i] != ' ')
			IGNORE(buf_addc(&b, from.p[i])); /* it fits */
	secret_free(*s);
	*s = secret_new(buf_bytes(&b));
	buf_wipe(&b);
}

/* What a wrong mode, an empty file or a missing one needs is a person; a file
 * system that is away may come back. */
static enum cred_result
file_result(int rc, const struct err *why, struct err *err)
{
	if (rc == 0)
		return CRED_OK;
	if (err != NULL)
		*err = *why;
	if (why->class == ERR_SECRET || why->os == ENOENT || why->os == EACCES)
		return CRED_NEVER;
	return CRED_LATER;
}

static enum cred_result
from_file(const struct cred_source *s, const struct cred_env *env,
    struct secret **ret, struct err *err)
{
	struct err why;
	int rc;

	err_clear(&why);
	rc = cred_file_read(s->value, env->group, ret, &why);
	if (rc != 0 && why.os == EACCES && s->secret != NULL &&
	    cred_file_is_same(s)) {
		*ret = secret_dup(s->secret);
		return CRED_OK;
	}
	if (rc != 0 && why.os == EACCES && env->user != NULL) {
		struct err plain = why;

		/* "cannot read the secret in /etc/...": who cannot? */
		(void)err_set(&why, ERR_SECRET, "user %s %s%s", env->user,
		    plain.text,
		    s->secret != NULL
			? " (it is not the file that was read at startup)"
			: "");
		why.os = EACCES;
	}
	return file_result(rc, &why, err);
}

static enum cred_result
from_systemd(const char *name, const struct cred_env *env, struct secret **ret,
    struct err *err)
{
	struct err why;
	char *path;
	int rc;

	if (cred_file_of_credential(env->credentials_dir, name, &path, err) !=
	    0)
		return CRED_NEVER;
	err_clear(&why);
	rc = cred_file_read_below(
	    path, env->credentials_dir, (gid_t)-1, ret, &why);
	free(path);
	return file_result(rc, &why, err);
}

static enum cred_result
from_text(const struct cred_source *s, struct secret **ret, struct err *err)
{
	*ret = secret_dup(s->secret);
	if (*ret != NULL)
		return CRED_OK;
	err_set(err, ERR_SECRET, "no password is configured");
	return CRED_NEVER;
}

static enum cred_result
fetch(const struct cred_request *rq, const struct cred_env *env,
    struct secret **ret, struct err *err)
{
	const struct cred_source *s = rq->source;

	switch (s->kind) {
	case CRED_TEXT:
		return from_text(s, ret, err);
	case CRED_FILE:
		return from_file(s, env, ret, err);
	case CRED_SYSTEMD:
		return from_systemd(s->value, env, ret, err);
	case CRED_COMMAND:
	case CRED_KEYRING:
	case CRED_OAUTH:
		return cred_helper_ask(rq, env, ret, err);
	case CRED_NONE:
		break;
	}
	err_set(err, ERR_SECRET, "no password is configured");
	return CRED_NEVER;
}

enum cred_result
cred_fetch(const struct cred_request *rq, const struct cred_env *env,
    struct secret **ret_secret, struct err *err)
{
	struct secret *s = NULL;
	enum cred_result r = fetch(rq, env, &s, err);

	if (r != CRED_OK) {
		err_ctx(err, "account %s", rq->account);
		if (err != NULL)
			err->class = ERR_SECRET;
		return r;
	}
	if (rq->source->is_grouped)
		ungroup(&s);
	*ret_secret = s;
	return CRED_OK;
}
