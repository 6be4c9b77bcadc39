/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/provider.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/setting.h"
#include "sys/files.h"
#include "sys/trust.h"

/* src/conf/providers, made a string by src/conf/local.mk. */
static const char built_in[] =
#include "conf/providers.inc"
    ;

static const char region_mark[] = "REGION";

struct providers {
	struct provider *v;
	size_t n;
};

struct providers *
providers_new(void)
{
	return xcalloc(1, sizeof(struct providers));
}

static void
provider_clear(struct provider *p)
{
	free(p->key);
	free(p->refusal);
	free(p->host);
	free(p->login_word);
	free(p->secret);
	conf_list_clear(&p->settings);
	free(p->name);
	conf_list_clear(&p->aliases);
	conf_list_clear(&p->domains);
	conf_list_clear(&p->mx);
	free(p->page);
	free(p->note);
}

void
providers_free(struct providers *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		provider_clear(&p->v[i]);
	free(p->v);
	free(p);
}

const struct provider *
providers_at(const struct providers *p, size_t i)
{
	return i < p->n ? &p->v[i] : NULL;
}

/* --- one row -------------------------------------------------------------- */

/* The words of a row, taken one after the other. */
struct row {
	const struct conf_list *words;
	size_t at;
};

static const char *
next_word(struct row *r)
{
	return r->at < r->words->n ? r->words->v[r->at++] : NULL;
}

static int
parse_ports(struct row *r, struct provider *p, struct err *err)
{
	uint64_t port;

	while (r->at < r->words->n &&
	       num_u64_max(bytes_str(r->words->v[r->at]), 65535, &port)) {
		const char *tls;

		r->at++;
		tls = next_word(r);
		if (tls == NULL ||
		    (strcmp(tls, "I") != 0 && strcmp(tls, "S") != 0))
			return err_set(err, ERR_CONFIG,
			    "expected I or S, the kind of TLS, after the port");
		if (p->nports == CONF_PORTS_MAX)
			return err_set(err, ERR_CONFIG, "at most %d ports",
			    (int)CONF_PORTS_MAX);
		p->ports[p->nports++] = (struct conf_port) { (int)port,
			tls[0] == 'I' ? CONF_TLS_IMPLICIT : CONF_TLS_STARTTLS };
	}
	if (p->nports == 0)
		return err_set(err, ERR_CONFIG, "no port");
	return 0;
}

static void
parse_login(const char *word, struct provider *p)
{
	if (strcmp(word, "addr") == 0) {
		p->login = PROVIDER_LOGIN_ADDR;
	} else if (strcmp(word, "local") == 0) {
		p->login = PROVIDER_LOGIN_LOCAL;
	} else if (strncmp(word, "lit:", 4) == 0) {
		p->login = PROVIDER_LOGIN_FIXED;
		word += 4;
	} else {
		p->login = PROVIDER_LOGIN_OTHER;
	}
	p->login_word = xstrdup(word);
}

static int
parse_senders(const char *word, struct provider *p, struct err *err)
{
	static const struct {
		const char *word;
		enum provider_senders senders;
	} rows[] = { { "force", PROVIDER_SENDERS_FORCE },
		{ "force+aliases", PROVIDER_SENDERS_ALIASES },
		{ "allow-domain", PROVIDER_SENDERS_DOMAIN },
		{ "allow-verified", PROVIDER_SENDERS_DOMAIN } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(word, rows[i].word) == 0) {
			p->senders = rows[i].senders;
			return 0;
		}
	return err_set(err, ERR_CONFIG,
	    "\"%s\" is not force, force+aliases, allow-domain or "
	    "allow-verified",
	    word);
}

/* The keys of indented lines: lists grow, a text may occur once. */
static const struct {
	const char *name;
	size_t list, text; /* offset in struct provider; SIZE_MAX: not that */
} facts[] = {
	{ "name=", SIZE_MAX, offsetof(struct provider, name) },
	{ "aliases=", offsetof(struct provider, aliases), SIZE_MAX },
	{ "domains=", offsetof(struct provider, domains), SIZE_MAX },
	{ "mx=", offsetof(struct provider, mx), SIZE_MAX },
	{ "page=", SIZE_MAX, offsetof(struct provider, page) },
	{ "note=", SIZE_MAX, offsetof(struct provider, note) },
};

/* False: it is none of them. */
static bool
take_fact(const char *text, struct provider *p)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t n = strlen(facts[i].name);
		char **to;

		if (strncmp(text, facts[i].name, n) != 0)
			continue;
		if (facts[i].list != SIZE_MAX) {
			setting_split_list(text + n,
			    (struct conf_list *)((char *)p + facts[i].list));
		} else {
			to = (char **)((char *)p + facts[i].text);
			free(*to);
			*to = xstrdup(text + n);
		}
		return true;
	}
	return false;
}

/* Limits only: a preset must not change whom the user trusts or the user's
 * identity. */
static int
parse_setting(const char *word, struct provider *p, struct err *err)
{
	const char *eq = strchr(word, '=');
	char *name = eq != NULL ? xstrndup(word, (size_t)(eq - word)) : NULL;
	const struct setting *st = name != NULL
				       ? setting_find(SETTING_ACCOUNT, name)
				       : NULL;
	struct buf why;
	int rc = -1;

	buf_init(&why, 200);
	if (take_fact(word, p)) {
		rc = 0;
	} else if (strcmp(word, "grouped=yes") == 0) {
		p->has_grouped_secret = true;
		rc = 0;
	} else if (st == NULL || strncmp(name, "max_", 4) != 0) {
		err_set(err, ERR_CONFIG, "\"%s\" is not a limit", word);
	} else if (!setting_check(st, eq + 1, &why)) {
		err_set(err, ERR_CONFIG, "%s: %s", word, buf_str(&why));
	} else {
		conf_list_add(&p->settings, word, strlen(word));
		rc = 0;
	}
	buf_clear(&why);
	free(name);
	return rc;
}

/* The columns behind KEY and HOST. */
static int
parse_columns(struct row *r, struct provider *p, struct err *err)
{
	const char *login, *secret, *senders, *word;

	if (parse_ports(r, p, err) != 0)
		return -1;
	login = next_word(r);
	secret = next_word(r);
	senders = next_word(r);
	if (senders == NULL)
		return err_set(err, ERR_CONFIG,
		    "expected KEY HOST PORT TLS LOGIN SECRET SENDERS");
	parse_login(login, p);
	p->secret = xstrdup(secret);
	if (parse_senders(senders, p, err) != 0)
		return -1;
	while ((word = next_word(r)) != NULL)
		if (parse_setting(word, p, err) != 0)
			return -1;
	return 0;
}

static char *
join_rest(struct row *r)
{
	struct buf b;
	const char *word;

	buf_init(&b, 400);
	while ((word = next_word(r)) != NULL)
		if (!buf_addf(&b, "%s%s", buf_len(&b) > 0 ? " " : "", word))
			break;
	return buf_steal(&b);
}

static int
parse_row(const struct conf_list *words, struct provider *p, struct err *err)
{
	struct row r = { words, 0 };
	const char *host;

	p->key = xstrdup(next_word(&r));
	if ((host = next_word(&r)) == NULL)
		return err_set(err, ERR_CONFIG, "no host");
	if (strcmp(host, "none") == 0) {
		p->refusal = join_rest(&r);
		return 0;
	}
	p->host = xstrdup(host);
	return parse_columns(&r, p, err);
}

static struct provider *
put_provider(struct providers *ps, const struct provider *p)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strcmp(ps->v[i].key, p->key) == 0) {
			provider_clear(&ps->v[i]);
			ps->v[i] = *p;
			return &ps->v[i];
		}
	ps->v = xrealloc(ps->v, ps->n + 1, sizeof(*ps->v));
	ps->v[ps->n++] = *p;
	return &ps->v[ps->n - 1];
}

/* The end of the content of a line: "#" begins a comment only where a word
 * could begin, because URLs contain it. */
static size_t
length_of(const char *line)
{
	size_t n = strcspn(line, "\r\n");

	for (size_t i = 0; i < n; i++)
		if (line[i] == '#' && (i == 0 || ascii_is_wsp(line[i - 1])))
			n = i;
	while (n > 0 && ascii_is_wsp(line[n - 1]))
		n--;
	return n;
}

/* Not setting_split_list(): "domains=a,b" is one word. */
static void
split_words(const char *line, struct conf_list *to)
{
	while (*(line += strspn(line, " \t")) != '\0') {
		size_t n = strcspn(line, " \t");

		conf_list_add(to, line, n);
		line += n;
	}
}

/* *last is the row above, which an indented line belongs to. */
static int
read_line(struct providers *ps, char *line, int lineno, struct provider **last,
    struct err *err)
{
	struct provider p = { .line = lineno };
	struct conf_list words = { NULL, 0 };
	int rc = 0;

	line[length_of(line)] = '\0';
	if (line[0] == '\0')
		return 0;
	if (ascii_is_wsp(line[0]) && *last != NULL)
		return parse_setting(line + strspn(line, " \t"), *last, err);
	split_words(line, &words);
	if ((rc = parse_row(&words, &p, err)) == 0) {
		if (p.name == NULL)
			p.name = xstrdup(p.key);
		*last = put_provider(ps, &p);
	} else {
		provider_clear(&p);
	}
	conf_list_clear(&words);
	return rc;
}

static int
read_lines(struct providers *p, FILE *f, const char *file, struct err *err)
{
	struct provider *last = NULL;
	char *line = NULL;
	size_t cap = 0;
	int lineno = 0, rc = 0;

	while (rc == 0 && getline(&line, &cap, f) >= 0)
		rc = read_line(p, line, ++lineno, &last, err);
	if (rc != 0)
		err_ctx(err, "line %d of %s", lineno, file);
	else if (ferror(f))
		rc = err_sys(err, "cannot read the presets in %s", file);
	free(line);
	return rc;
}

int
providers_read(struct providers *p, const char *file, struct err *err)
{
	FILE *f = files_read(file);
	int rc;

	if (f == NULL)
		return files_err(err, "cannot read the presets in", file);
	rc = read_lines(p, f, file, err);
	IGNORE(fclose(f)); /* only read */
	return rc;
}

void
providers_read_built_in(struct providers *p)
{
	/* fmemopen() writes nothing in mode "r". */
	FILE *f = fmemopen((void *)(uintptr_t)built_in, strlen(built_in), "r");
	int rc;

	assert(f != NULL);
	rc = read_lines(p, f, "the built-in presets", NULL);
	assert(rc == 0); /* a unit test reads the same rows */
	IGNORE(fclose(f)); /* memory */
}

static int
read_both(struct providers *p, const char *shipped, const char *own,
    uid_t owner, struct err *err)
{
	if (shipped == NULL && access(RELAIS_DATA_DIR "/providers", F_OK) != 0)
		providers_read_built_in(p);
	else if (providers_read(p,
		     shipped != NULL ? shipped : RELAIS_DATA_DIR "/providers",
		     err) != 0)
		return -1;
	/* A row says to which host the secret goes. */
	if (access(own, F_OK) != 0)
		return 0;
	return trust_file(own, owner, err) == 0 ? providers_read(p, own, err)
						: -1;
}

struct providers *
providers_load(const struct conf_env *env, uid_t owner, struct err *err)
{
	struct providers *p = providers_new();
	struct conf_paths paths;

	conf_paths_init(&paths, env);
	if (read_both(p, env->providers,
		env->providers_own != NULL ? env->providers_own
					   : paths.providers_own,
		owner, err) != 0) {
		/* A list without its rest is not reported. */
		providers_free(p);
		p = NULL;
	}
	conf_paths_clear(&paths);
	return p;
}

/* --- finding -------------------------------------------------------------- */

static bool
has_word(const struct conf_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq_nocase(l->v[i], word))
			return true;
	return false;
}

static const struct provider *
find_key(const struct providers *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq_nocase(p->v[i].key, key))
			return &p->v[i];
	for (size_t i = 0; i < p->n; i++)
		if (has_word(&p->v[i].aliases, key))
			return &p->v[i];
	return NULL;
}

/* The last one, because the user's rows follow the shipped ones. */
const struct provider *
providers_by_domain(const struct providers *p, const char *domain)
{
	for (size_t i = p->n; i-- > 0;)
		if (has_word(&p->v[i].domains, domain))
			return &p->v[i];
	return NULL;
}

static const struct provider *
find_mx(const struct providers *p, const char *suffix)
{
	for (size_t i = p->n; i-- > 0;)
		if (has_word(&p->v[i].mx, suffix))
			return &p->v[i];
	return NULL;
}

const struct provider *
providers_by_mx(const struct providers *p, const char *mx_host)
{
	const struct provider *found = NULL;
	const char *dot;

	while (found == NULL && (dot = strchr(mx_host, '.')) != NULL) {
		found = find_mx(p, mx_host);
		mx_host = dot + 1;
	}
	return found;
}

static bool
list_matches(const struct conf_list *l, const char *pattern)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_match(pattern, l->v[i]))
			return true;
	return false;
}

bool
provider_matches(const struct provider *p, const char *word)
{
	char *pattern = xasprintf("*%s*", word);
	bool fits = str_match(pattern, p->key) || str_match(pattern, p->name) ||
		    (p->host != NULL && str_match(pattern, p->host)) ||
		    list_matches(&p->aliases, pattern) ||
		    list_matches(&p->domains, pattern);

	free(pattern);
	return fits;
}

const char *
provider_secret_name(const struct provider *p)
{
	static const struct {
		const char *secret, *words;
	} rows[] = {
		{ "app-password", N_("app password") },
		{ "password", N_("password") },
		{ "oauth:", N_("sign-in") },
		{ "api-key", N_("API key") },
		{ "api-token", N_("API token") },
		{ "smtp-key", N_("SMTP key") },
		{ "secret-key", N_("secret key") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(
			p->secret, rows[i].secret, strlen(rows[i].secret)) == 0)
			return rows[i].words;
	return p->secret;
}

char *
provider_oauth(const struct provider *p, bool is_first)
{
	static const char mark[] = "oauth:";
	const char *at = p->secret != NULL ? strstr(p->secret, mark) : NULL;

	if (at == NULL || (is_first && at != p->secret))
		return NULL;
	at += sizeof(mark) - 1;
	return xstrndup(at, strcspn(at, "|"));
}

static void
unknown(const struct providers *p, const char *key, struct err *err)
{
	const char **keys = xcalloc(p->n + 1, sizeof(*keys));
	const char *near;

	for (size_t i = 0; i < p->n; i++)
		keys[i] = p->v[i].key;
	near = setting_nearest_word(keys, key);
	if (near != NULL)
		err_set(err, ERR_CONFIG,
		    "unknown provider \"%s\": did you mean \"%s\"?", key, near);
	else
		err_set(err, ERR_CONFIG,
		    "unknown provider \"%s\": set host instead", key);
	free(keys);
}

/* A region becomes part of a host name, so it holds nothing else. */
static bool
is_region(const char *s)
{
	return s[0] != '\0' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static char *
host_of(const struct provider *p, const char *region, struct err *err)
{
	const char *mark = strstr(p->host, region_mark);

	if (mark == NULL && region == NULL)
		return xstrdup(p->host);
	if (mark == NULL) {
		err_set(err, ERR_CONFIG, "%s has no regions: write only \"%s\"",
		    p->key, p->key);
		return NULL;
	}
	if (region == NULL || !is_region(region)) {
		err_set(err, ERR_CONFIG,
		    "%s needs a region, for example \"%s:eu-west-1\"", p->key,
		    p->key);
		return NULL;
	}
	return xasprintf("%.*s%s%s", (int)(mark - p->host), p->host, region,
	    mark + strlen(region_mark));
}

const struct provider *
providers_find(const struct providers *p, const char *spec, char **ret_host,
    struct err *err)
{
	const char *colon = strchr(spec, ':');
	char *key = xstrndup(
	    spec, colon ? (size_t)(colon - spec) : strlen(spec));
	const struct provider *found = find_key(p, key);
	char *host = NULL;

	if (found == NULL)
		unknown(p, key, err);
	else if (found->refusal != NULL)
		err_set(err, ERR_CONFIG, "%s", found->refusal);
	else
		host = host_of(found, colon ? colon + 1 : NULL, err);
	free(key);
	if (host == NULL)
		return NULL;
	*ret_host = host;
	return found;
}
