/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/confine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "cred/cred_oauth.h"
#include "store/store_module.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *const confine_names[CONFINE_KINDS] = {
	[CONFINE_PRIVILEGES] = "no new privileges",
	[CONFINE_FILES] = "Landlock",
	[CONFINE_CALLS] = "seccomp",
};

/* Where certificates of authorities, time zones and the presets are; and what
 * libuv keeps open, to close it when there are no descriptors left to accept a
 * client with. */
static const char *const always[] = { "/etc/ssl", "/etc/pki", "/usr/share/pki",
	"/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	"/etc/crypto-policies", "/etc/gnutls", "/etc/localtime",
	"/usr/share/zoneinfo", "/proc/self/status", "/dev/null",
	RELAIS_DATA_DIR };
static const int always_ports[] = { 465, 587, 2465, 2525 };
static const char *const spool_parts[] = { "queue", "failed", "corrupt", "drop",
	"state" };

static bool
is_below(const char *path, const char *folder, size_t n)
{
	return path != NULL && strncmp(path, folder, n) == 0 &&
	       (n <= 1 || path[n] == '/');
}

/* A process that may read this folder may read a secret. */
static bool
has_secret(const struct conf *c, const char *folder, size_t n)
{
	if (is_below(c->file, folder, n))
		return true;
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct cred_source *s = &c->accounts[i].secret;

		if (s->kind == CRED_FILE && is_below(s->value, folder, n))
			return true;
		for (int k = 0; s->oauth != NULL && k < CRED_OAUTH_KEYS; k++)
			if (is_below(s->oauth->v[k], folder, n))
				return true;
	}
	return false;
}

static void
want_path(struct confine_needs *w, const char *path, size_t n)
{
	for (size_t i = 0; i < w->nreads; i++)
		if (strlen(w->reads[i]) == n &&
		    strncmp(w->reads[i], path, n) == 0)
			return;
	w->reads = xrealloc(w->reads, w->nreads + 2, sizeof(*w->reads));
	w->reads[w->nreads++] = xstrndup(path, n);
	w->reads[w->nreads] = NULL;
}

/* A certificate is renewed by rename(2), so its folder is what is named, unless
 * there is a secret in it. */
static void
want_file(struct confine_needs *w, const struct conf *c, const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (slash == NULL)
		return;
	if (slash > path && !has_secret(c, path, (size_t)(slash - path)))
		want_path(w, path, (size_t)(slash - path));
	else
		want_path(w, path, strlen(path));
}

static void
want_port(struct confine_needs *w, int port)
{
	for (size_t i = 0; i < w->nports; i++)
		if (w->ports[i] == port)
			return;
	w->ports = xrealloc(w->ports, w->nports + 1, sizeof(*w->ports));
	w->ports[w->nports++] = port;
}

struct wish {
	struct confine_needs *w;
	const struct conf *c;
};

static void
wish_port(void *ctx, int port)
{
	const struct wish *x = ctx;

	if (port != 0)
		want_port(x->w, port);
	else
		x->w->database = SANDBOX_DATABASE_UNIX;
}

static void
wish_file(void *ctx, const char *path)
{
	const struct wish *x = ctx;

	want_file(x->w, x->c, path);
}

/* What is wrong with it has been told at the start. */
static void
want_store(struct confine_needs *w, const struct conf *c)
{
	const struct store_module *m;
	struct wish x = { w, c };

	if (c->store == CONF_STORE_DISK)
		return;
	w->database = SANDBOX_DATABASE;
	if (store_module_load("postgres", &m, NULL) == 0)
		IGNORE(m->needs(c->store_url, wish_port, wish_file, &x, NULL) !=
		       0);
}

static void
want_all(struct confine_needs *w, const struct conf *c)
{
	*w = (struct confine_needs) { .nreads = 0 };
	for (size_t i = 0; i < COUNT(always); i++)
		want_path(w, always[i], strlen(always[i]));
	for (size_t i = 0; i < COUNT(always_ports); i++)
		want_port(w, always_ports[i]);
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct conf_account *a = &c->accounts[i];

		want_file(w, c, a->tls_ca_file);
		want_file(w, c, a->tls_cert);
		want_file(w, c, a->tls_key);
		for (size_t k = 0; k < a->nports; k++)
			want_port(w, a->ports[k].port);
	}
	want_store(w, c);
}

static void
needs_clear(struct confine_needs *w)
{
	for (size_t i = 0; i < w->nreads; i++)
		free(w->reads[i]);
	free(w->reads);
	free(w->ports);
	*w = (struct confine_needs) { .nreads = 0 };
}

void
confine_init(struct confine *c, bool is_alone)
{
#ifdef WITH_SANDBOX
	c->why_not = is_alone ? "because of --one-process" : NULL;
#else
	(void)is_alone;
	c->why_not = "because this build has sanitizers";
#endif
	for (size_t i = 0; c->why_not != NULL && i < CONFINE_KINDS; i++)
		(void)snprintf(c->states[i].text, sizeof(c->states[i].text),
		    "off, %s", c->why_not);
}

bool
confine_is_wanted(const struct confine *c)
{
	return c->why_not == NULL;
}

void
confine_files(struct confine *c, const struct conf *conf)
{
	char *writes[COUNT(spool_parts) + 1] = { NULL };
	struct sandbox_files files = {
		.writable = (const char *const *)writes,
	};

	if (c->why_not != NULL)
		return;
	want_all(&c->has, conf);
	files.readable = (const char *const *)c->has.reads;
	files.ports = c->has.ports;
	files.nports = c->has.nports;
	for (size_t i = 0; i < COUNT(spool_parts); i++)
		writes[i] = xasprintf("%s/%s", conf->spool, spool_parts[i]);
	sandbox_no_new_privileges(&c->states[CONFINE_PRIVILEGES]);
	sandbox_landlock(&files, &c->states[CONFINE_FILES]);
	for (size_t i = 0; i < COUNT(spool_parts); i++)
		free(writes[i]);
}

void
confine_loop(const struct confine *c, const struct conf *conf)
{
	if (c->why_not == NULL && conf->seccomp != CONF_SECCOMP_OFF)
		sandbox_no_io_uring();
}

void
confine_calls(struct confine *c, const struct conf *conf)
{
	struct sandbox_state *s = &c->states[CONFINE_CALLS];

	if (c->why_not != NULL)
		return;
	c->seccomp = (int)conf->seccomp;
	if (conf->seccomp != CONF_SECCOMP_OFF) {
		sandbox_seccomp(
		    conf->seccomp == CONF_SECCOMP_LOG, c->has.database, s);
		return;
	}
	s->holds = false;
	(void)snprintf(s->text, sizeof(s->text), "off, because seccomp = off");
}

void
confine_complain(const struct confine *c)
{
	for (size_t i = 0; i < CONFINE_KINDS; i++)
		if (!c->states[i].holds)
			log_text(LOG_LEVEL_WARNING, "%s: %s", confine_names[i],
			    c->states[i].text);
}

bool
confine_is_outgrown(const struct confine *c, const struct conf *conf)
{
	bool is_missing = c->seccomp != (int)conf->seccomp && c->has.nreads > 0;
	struct confine_needs w;

	if (!c->states[CONFINE_FILES].holds)
		return is_missing;
	want_all(&w, conf);
	for (size_t i = 0; i < w.nreads; i++) {
		size_t k = 0;

		while (k < c->has.nreads &&
		       strcmp(c->has.reads[k], w.reads[i]) != 0)
			k++;
		is_missing = is_missing || k == c->has.nreads;
	}
	for (size_t i = 0; i < w.nports; i++) {
		size_t k = 0;

		while (k < c->has.nports && c->has.ports[k] != w.ports[i])
			k++;
		is_missing = is_missing || k == c->has.nports;
	}
	needs_clear(&w);
	return is_missing;
}

void
confine_clear(struct confine *c)
{
	needs_clear(&c->has);
	*c = (struct confine) { .seccomp = 0 };
}
