/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf_vars.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

static const char prefix[] = "RELAIS_";

/* Names that people know from other images. */
static const struct {
	const char *name, *key;
} aliases[] = { { "RELAYHOST", "host" }, { "RELAYHOST_USERNAME", "user" },
	{ "RELAYHOST_PASSWORD", "password" },
	{ "RELAYHOST_PASSWORD_FILE", "password_file" },
	{ "SMTP_SERVER", "host" }, { "SMTP_PORT", "port" },
	{ "SMTP_USERNAME", "user" }, { "SMTP_PASSWORD", "password" },
	{ "SMTP_PASSWORD_FILE", "password_file" } };

/* What relais's programs read from their environment and is no setting. */
static const char *const others[] = { "RELAIS_CRED_HELPER", "RELAIS_DROP",
	"RELAIS_SMTP", NULL };

/* --- names ---------------------------------------------------------------- */

/* The key of such a name, or NULL. */
static const char *
alias_key(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i].name, name) == 0)
			return aliases[i].key;
	return NULL;
}

/* The name that was meant by one that is like it, or NULL.  Others of their
 * kind are another image's settings. */
static const char *
alias_meant(const char *name)
{
	const char *near = NULL;
	int limit = 3;

	if (strncmp(name, "RELAYHOST_", strlen("RELAYHOST_")) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		/* RELAYHOST_USER, too. */
		bool is_begun = strncmp(aliases[i].name, name, strlen(name)) ==
				0;
		int d = is_begun ? 1
				 : str_distance(name, aliases[i].name, limit);

		if (d <= limit) {
			limit = d - 1;
			near = aliases[i].name;
		}
	}
	return near;
}

/* Lower case, or NULL if it was not all in capitals. */
static char *
key_of(const char *s, size_t n)
{
	char *key = xstrndup(s, n);

	for (char *p = key; *p != '\0'; p++) {
		if (islower((unsigned char)*p)) {
			free(key);
			return NULL;
		}
		*p = (char)tolower((unsigned char)*p);
	}
	return key;
}

/* "RELAIS_ACCOUNT_" */
static char *
prefix_of(enum setting_section kind)
{
	char *s = xasprintf("%s%s%s", prefix,
	    kind == SETTING_RELAIS ? "" : setting_section_name(kind),
	    kind == SETTING_RELAIS ? "" : "_");

	for (char *p = s; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return s;
}

static char *
name_of(const struct setting *st, const char *section)
{
	char *start = prefix_of(st->section);
	char *name = xasprintf("%s%s%s%s", start, section ? section : "",
	    section ? "__" : "", st->name);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	free(start);
	return name;
}

static void
unknown(const char *name, const char *section, struct buf *why)
{
	const char *alias = alias_meant(name);
	size_t n = strlen(name) - strlen(prefix);
	int limit = n < 3 ? 1 : n < 9 ? 2 : 3; /* typing errors */
	char *near = alias != NULL ? xstrdup(alias) : NULL;

	for (size_t i = 0; i < nsettings && alias == NULL; i++) {
		char *other;

		if (section != NULL && settings[i].section == SETTING_RELAIS)
			continue;
		other = name_of(&settings[i], section);
		if (str_is_nearer(name, other, &limit)) {
			free(near);
			near = other;
		} else {
			free(other);
		}
	}
	IGNORE(buf_adds(why, "no such setting"));
	if (near != NULL)
		IGNORE(buf_addf(why, "; did you mean %s?", near));
	free(near);
}

/* rest: what follows "RELAIS_ACCOUNT_". */
static bool
find_in(enum setting_section kind, const char *rest, struct conf_target *ret)
{
	const char *cut = NULL;
	char *key, *section = NULL;
	const struct setting *st;

	if (kind != SETTING_RELAIS)
		for (const char *p = rest; (p = strstr(p, "__")) != NULL; p++)
			cut = p;
	if (cut == rest)
		return false;
	if (cut != NULL &&
	    (section = key_of(rest, (size_t)(cut - rest))) == NULL)
		return false;
	rest = cut != NULL ? cut + 2 : rest;
	key = key_of(rest, strlen(rest));
	st = key != NULL ? setting_find(kind, key) : NULL;
	free(key);
	if (st == NULL) {
		free(section);
		return false;
	}
	*ret = (struct conf_target) { st, section };
	return true;
}

bool
conf_vars_target(const char *name, struct conf_target *ret, struct buf *why)
{
	const char *key = alias_key(name), *cut;
	char *section = NULL;

	if (key != NULL) {
		*ret = (struct conf_target) {
			setting_find(SETTING_ACCOUNT, key), NULL
		};
		return true;
	}
	for (int k = 0; k < SETTING_SECTIONS; k++) {
		char *start = prefix_of((enum setting_section)k);
		size_t n = strlen(start);
		bool is_kind = strncmp(name, start, n) == 0;

		free(start);
		if (is_kind && find_in((enum setting_section)k, name + n, ret))
			return true;
		if (is_kind && k != SETTING_RELAIS &&
		    (cut = strstr(name + n, "__")) != NULL && cut != name + n)
			section = xstrndup(
			    name + n, (size_t)(cut - (name + n)));
	}
	unknown(name, section, why);
	free(section);
	return false;
}

char *
conf_vars_take_port(const char *name, char *text)
{
	char *end = text, *port = NULL;

	if (strcmp(name, "RELAYHOST") != 0)
		return NULL;
	if (text[0] == '[' && (end = strchr(text, ']')) != NULL) {
		if (end[1] == ':')
			port = xstrdup(end + 2);
		else if (end[1] != '\0')
			return NULL; /* the host's check tells */
		*end = '\0';
		memmove(text, text + 1, strlen(text + 1) + 1);
	} else if ((end = strchr(text, ':')) != NULL &&
		   strchr(end + 1, ':') == NULL &&
		   strncmp(end, "://", 3) != 0) {
		port = xstrdup(end + 1);
		*end = '\0';
	}
	return port;
}

bool
conf_vars_is_section(const char *wanted, const char *name)
{
	for (; *wanted != '\0' && *name != '\0'; wanted++, name++)
		if (*wanted != (isalnum((unsigned char)*name)
				       ? tolower((unsigned char)*name)
				       : '_'))
			return false;
	return *wanted == *name;
}

/* --- taking --------------------------------------------------------------- */

/* Kubernetes gives every container the addresses of all services of its
 * namespace, and a service may well be named relais or smtp. */
static bool
is_service_link(const char *name, const char *value)
{
	const char *port = strstr(name, "_PORT_");

	if (str_ends_with(name, "_SERVICE_HOST") ||
	    str_ends_with(name, "_SERVICE_PORT") ||
	    strstr(name, "_SERVICE_PORT_") != NULL)
		return true;
	if (strncmp(value, "tcp://", 6) == 0 ||
	    strncmp(value, "udp://", 6) == 0 ||
	    strncmp(value, "sctp://", 7) == 0)
		return str_ends_with(name, "_PORT") || port != NULL;
	return port != NULL && isdigit((unsigned char)port[6]) &&
	       (str_ends_with(name, "_PROTO") || str_ends_with(name, "_PORT") ||
		   str_ends_with(name, "_ADDR"));
}

static bool
is_ours(const char *name, const char *value)
{
	if (is_service_link(name, value))
		return false;
	for (size_t i = 0; others[i] != NULL; i++)
		if (strcmp(others[i], name) == 0)
			return false;
	return strncmp(name, prefix, strlen(prefix)) == 0 ||
	       alias_key(name) != NULL || alias_meant(name) != NULL;
}

static bool
is_secret(const char *name)
{
	struct conf_target t;
	struct buf why;
	bool is_one;

	buf_init(&why, 1000);
	is_one = conf_vars_target(name, &t, &why);
	if (is_one)
		free(t.section);
	is_one = is_one && t.st->type == SETTING_SECRET;
	buf_clear(&why);
	return is_one;
}

struct conf_vars *
conf_vars_take(char **env)
{
	struct conf_vars *vars = xcalloc(1, sizeof(*vars));

	for (char **e = env; *e != NULL; e++) {
		char *value = strchr(*e, '=');
		char *name = xstrndup(*e, value ? (size_t)(value - *e) : 0);
		struct conf_variable *to;
		size_t n;

		if (value == NULL || !is_ours(name, ++value)) {
			free(name);
			continue;
		}
		vars->v = xrealloc(vars->v, vars->n + 1, sizeof(*vars->v));
		to = &vars->v[vars->n++];
		*to = (struct conf_variable) { .name = name };
		n = strlen(value);
		/* What "echo" has made of it, in front of "base64". */
		while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == '\r'))
			n--;
		if (is_secret(name)) {
			to->secret = secret_new(bytes_of(value, n));
			explicit_bzero(value, strlen(value));
		} else {
			to->text = xstrndup(value, n);
		}
	}
	return vars;
}

void
conf_vars_free(struct conf_vars *vars)
{
	if (vars == NULL)
		return;
	for (size_t i = 0; i < vars->n; i++) {
		free(vars->v[i].name);
		free(vars->v[i].text);
		secret_free(vars->v[i].secret);
	}
	free(vars->v);
	free(vars);
}
