/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/oauth_rows.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/setting.h"
#include "sys/files.h"

/* src/conf/oauth2, made a string by src/conf/local.mk. */
static const char built_in[] =
#include "conf/oauth2.inc"
    ;

static const char tenant_mark[] = "TENANT";

enum { URL_MAX = 2048 };

struct row {
	char *key;
	struct cred_oauth *o;
};

struct oauth_rows {
	struct row *v;
	size_t n;
};

void
oauth_rows_free(struct oauth_rows *rows)
{
	if (rows == NULL)
		return;
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->v[i].key);
		cred_oauth_free(rows->v[i].o);
	}
	free(rows->v);
	free(rows);
}

static struct row *
find_row(const struct oauth_rows *rows, const char *key)
{
	for (size_t i = 0; i < rows->n; i++)
		if (str_eq_nocase(rows->v[i].key, key))
			return &rows->v[i];
	return NULL;
}

/* --- reading -------------------------------------------------------------- */

/* Begins a row; one with the same key makes room for it. */
static struct row *
begin_row(struct oauth_rows *rows, const char *key)
{
	struct row *r = find_row(rows, key);

	if (r == NULL) {
		rows->v = xrealloc(rows->v, rows->n + 1, sizeof(*rows->v));
		r = &rows->v[rows->n++];
		r->key = xstrdup(key);
	} else {
		cred_oauth_free(r->o);
	}
	r->o = xcalloc(1, sizeof(*r->o));
	return r;
}

static bool
is_url_key(int key)
{
	return key == CRED_OAUTH_ISSUER || key == CRED_OAUTH_DEVICE ||
	       key == CRED_OAUTH_AUTHORIZE || key == CRED_OAUTH_TOKEN ||
	       key == CRED_OAUTH_REGISTRATION;
}

/* A scope on a line of its own is one more. */
static void
store(struct cred_oauth *o, int key, const char *value)
{
	char *joined;

	if ((key != CRED_OAUTH_SCOPE && key != CRED_OAUTH_SCOPE_UNATTENDED) ||
	    o->v[key] == NULL) {
		cred_oauth_set(o, (enum cred_oauth_key)key, value);
		return;
	}
	joined = xasprintf("%s %s", o->v[key], value);
	free(o->v[key]);
	o->v[key] = joined;
}

static int
read_pair(struct cred_oauth *o, char *pair, struct err *err)
{
	char *value = pair;
	const char *name = strsep(&value, "=");
	int key = cred_oauth_key(name, CRED_OAUTH_ROW_KEYS);

	if (value == NULL || value[0] == '\0')
		return err_set(err, ERR_CONFIG, "expected NAME=VALUE");
	if (key < 0)
		return err_set(
		    err, ERR_CONFIG, "\"%.40s\" is not known here", name);
	if (strlen(value) > URL_MAX)
		return err_set(err, ERR_CONFIG, "%s is too long", name);
	if (is_url_key(key) && strncmp(value, "https://", 8) != 0)
		return err_set(err, ERR_CONFIG,
		    "%s does not begin with https://: a token is as good as a "
		    "password",
		    name);
	store(o, key, value);
	return 0;
}

/* A row without what every flow needs is of no use. */
static int
check_last(const struct oauth_rows *rows, struct err *err)
{
	const struct row *r = rows->n > 0 ? &rows->v[rows->n - 1] : NULL;

	for (size_t i = 0; r != NULL && i < rows->n; i++)
		if (rows->v[i].o->v[CRED_OAUTH_TOKEN] == NULL)
			return err_set(err, ERR_CONFIG, "row %s has no token",
			    rows->v[i].key);
	return 0;
}

/* *row is the one that indented lines belong to. */
static int
read_line(
    struct oauth_rows *rows, char *line, struct row **row, struct err *err)
{
	bool is_more = line[0] == ' ' || line[0] == '\t';
	char *rest = line;
	const char *word;

	line[strcspn(line, "\r\n")] = '\0';
	rest += strspn(rest, " \t");
	if (rest[0] == '#' || rest[0] == '\0')
		return 0;
	if (!is_more) {
		word = strsep(&rest, " \t");
		*row = begin_row(rows, word);
	} else if (*row == NULL) {
		return err_set(err, ERR_CONFIG, "no row has begun");
	}
	while ((word = strsep(&rest, " \t")) != NULL)
		if (word[0] != '\0' &&
		    read_pair((*row)->o, (char *)(uintptr_t)word, err) != 0)
			return -1;
	return 0;
}

static int
read_lines(struct oauth_rows *rows, FILE *f, const char *file, struct err *err)
{
	struct row *row = NULL;
	char *line = NULL;
	size_t cap = 0;
	int lineno = 0, rc = 0;

	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		lineno++;
		rc = read_line(rows, line, &row, err);
	}
	free(line);
	if (rc != 0)
		return err_ctx(err, "line %d of %s", lineno, file);
	if (ferror(f))
		return err_sys(err, "cannot read %s", file);
	return check_last(rows, err) == 0 ? 0 : err_ctx(err, "%s", file);
}

struct oauth_rows *
oauth_rows_new(void)
{
	struct oauth_rows *rows = xcalloc(1, sizeof(*rows));
	/* fmemopen() writes nothing in mode "r". */
	FILE *f = fmemopen((void *)(uintptr_t)built_in, strlen(built_in), "r");
	int rc;

	assert(f != NULL);
	rc = read_lines(rows, f, "the built-in rows", NULL);
	assert(rc == 0); /* a unit test reads the same rows */
	IGNORE(fclose(f)); /* memory */
	return rows;
}

int
oauth_rows_read(struct oauth_rows *rows, const char *file, struct err *err)
{
	FILE *f = files_read(file);
	int rc;

	if (f == NULL)
		return files_err(err, "cannot read", file);
	rc = read_lines(rows, f, file, err);
	IGNORE(fclose(f)); /* only read */
	return rc;
}

/* --- finding -------------------------------------------------------------- */

static void
unknown(const struct oauth_rows *rows, const char *key, struct err *err)
{
	const char **keys = xcalloc(rows->n + 1, sizeof(*keys));
	const char *near;

	for (size_t i = 0; i < rows->n; i++)
		keys[i] = rows->v[i].key;
	near = setting_nearest_word(keys, key);
	if (near != NULL)
		err_set(err, ERR_CONFIG,
		    "nothing is known of oauth \"%s\": did you mean \"%s\"?",
		    key, near);
	else
		err_set(err, ERR_CONFIG,
		    "nothing is known of oauth \"%s\": add a row for it to "
		    "the file oauth2 beside relais.conf",
		    key);
	free(keys);
}

/* A tenant becomes part of a URL, so it holds nothing else. */
static bool
is_tenant(const char *s)
{
	return s[0] != '\0' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")] == '\0';
}

static void
put_tenant(struct cred_oauth *o, const char *tenant)
{
	for (size_t i = 0; i < CRED_OAUTH_TENANT; i++) {
		const char *mark = o->v[i] != NULL
				       ? strstr(o->v[i], tenant_mark)
				       : NULL;
		char *whole;

		if (mark == NULL)
			continue;
		whole = xasprintf("%.*s%s%s", (int)(mark - o->v[i]), o->v[i],
		    tenant, mark + strlen(tenant_mark));
		free(o->v[i]);
		o->v[i] = whole;
	}
}

static struct cred_oauth *
copy_row(const struct cred_oauth *from)
{
	struct cred_oauth *o = xcalloc(1, sizeof(*o));

	for (size_t i = 0; i < CRED_OAUTH_KEYS; i++)
		o->v[i] = xstrdup(from->v[i]);
	return o;
}

struct cred_oauth *
oauth_rows_find(
    const struct oauth_rows *rows, const char *spec, struct err *err)
{
	const char *colon = strchr(spec, ':');
	char *key = xstrndup(
	    spec, colon != NULL ? (size_t)(colon - spec) : strlen(spec));
	const struct row *r = find_row(rows, key);
	const char *tenant = NULL;
	struct cred_oauth *o = NULL;

	if (r != NULL)
		tenant = r->o->v[CRED_OAUTH_TENANT];
	if (r == NULL)
		unknown(rows, key, err);
	else if (colon != NULL && tenant == NULL)
		err_set(err, ERR_CONFIG, "%s has no tenants: write only \"%s\"",
		    r->key, r->key);
	else if (colon != NULL && !is_tenant(colon + 1))
		err_set(
		    err, ERR_CONFIG, "\"%.80s\" is not a tenant", colon + 1);
	else
		o = copy_row(r->o);
	free(key);
	if (o != NULL && tenant != NULL)
		put_tenant(o, colon != NULL ? colon + 1 : tenant);
	return o;
}
