/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_build.h"
#include "conf/oauth_rows.h"
#include "cred/cred_file.h"
#include "cred/cred_oauth.h"
#include "sys/trust.h"

/* One account that is being built: its own section overrides [account *], and
 * both override the preset. */
struct draft {
	struct conf_build *b;
	const struct conf_section *own, *star; /* star may be NULL */
	const struct provider *preset; /* or NULL */
	char *preset_host;
	struct conf_account *a;
};

void
conf_account_clear(struct conf_account *a)
{
	setting_clear(SETTING_ACCOUNT, a);
	free(a->name);
	for (size_t i = 0; i < CONF_PINS_MAX; i++)
		free(a->tls_pins[i]);
	cred_source_clear(&a->secret);
	free(a->auth);
	free(a->secret_hint);
}

static const struct conf_value *
get_value(const struct draft *d, const char *name)
{
	const struct conf_value *v = conf_section_get(d->own, name);

	return v != NULL ? v : conf_section_get(d->star, name);
}

/* About the account, at the line of v, or where its section begins. */
#define PROBLEM(d, v, ...)                                                     \
	conf_problem_add((d)->b->problems, (d)->b->raw->file,                  \
	    (v) != NULL ? ((const struct conf_value *)(v))->line               \
			: (d)->own->line,                                      \
	    (d)->own->title, __VA_ARGS__)

static void
set_string(char **to, const char *s, size_t n)
{
	char *old = *to; /* s may be a part of it */

	*to = xstrndup(s, n);
	free(old);
}

/* --- preset --------------------------------------------------------------- */

static void
read_providers(struct conf_build *b)
{
	struct err err;

	b->has_asked = true;
	err_clear(&err);
	b->providers = providers_load(b->env, b->owner, &err);
	if (b->providers == NULL)
		conf_problem_add(
		    b->problems, b->raw->file, 0, NULL, "%s", err.text);
}

/* An own host means: not the provider that [account *] names. */
static void
find_preset(struct draft *d)
{
	const struct conf_value *v = conf_section_get(d->own, "provider");
	struct err err;

	if (v == NULL && conf_section_get(d->own, "host") == NULL)
		v = conf_section_get(d->star, "provider");
	if (v == NULL)
		return;
	if (!d->b->has_asked)
		read_providers(d->b);
	if (d->b->providers == NULL)
		return;
	err_clear(&err);
	d->preset = providers_find(
	    d->b->providers, v->text, &d->preset_host, &err);
	if (d->preset == NULL)
		PROBLEM(d, v, "%s", err.text);
}

static void
apply_preset(struct draft *d)
{
	const struct provider *p = d->preset;

	if (p == NULL)
		return;
	set_string(&d->a->host, d->preset_host, strlen(d->preset_host));
	set_string(&d->a->secret_hint, p->secret, strlen(p->secret));
	for (size_t i = 0; i < p->settings.n; i++) {
		const char *eq = strchr(p->settings.v[i], '=');
		char *name = xstrndup(
		    p->settings.v[i], (size_t)(eq - p->settings.v[i]));

		setting_store(
		    setting_find(SETTING_ACCOUNT, name), eq + 1, NULL, d->a);
		free(name);
	}
}

static void
apply_layers(struct draft *d)
{
	setting_defaults(SETTING_ACCOUNT, d->a);
	/* A preset that the account itself names beats the host that
	 * [account *] names. */
	if (conf_section_get(d->own, "provider") == NULL) {
		apply_preset(d);
		conf_section_store(d->star, d->b->env->home, d->a);
	} else {
		conf_section_store(d->star, d->b->env->home, d->a);
		apply_preset(d);
	}
	conf_section_store(d->own, d->b->env->home, d->a);
	if (d->preset == NULL) {
		free(d->a->provider);
		d->a->provider = NULL;
	}
}

/* --- where ---------------------------------------------------------------- */

static enum conf_tls
tls_of_port(const struct draft *d, int port)
{
	static const int implicit[] = { 465, 2465, 8465, 443 };

	for (size_t i = 0; d->preset != NULL && i < d->preset->nports; i++)
		if (d->preset->ports[i].port == port)
			return d->preset->ports[i].tls;
	for (size_t i = 0; i < sizeof(implicit) / sizeof(implicit[0]); i++)
		if (implicit[i] == port)
			return CONF_TLS_IMPLICIT;
	return CONF_TLS_STARTTLS;
}

static void
add_port(struct draft *d, int port)
{
	if (d->a->nports < CONF_PORTS_MAX)
		d->a->ports[d->a->nports++] = (struct conf_port) { port,
			tls_of_port(d, port) };
}

static void
ports_from_text(struct draft *d, const char *text)
{
	struct conf_list words = { NULL, 0 };
	uint64_t port;

	setting_split_list(text, &words);
	for (size_t i = 0; i < words.n; i++)
		if (num_u64(bytes_str(words.v[i]), &port))
			add_port(d, (int)port);
	conf_list_clear(&words);
}

/* With port = auto, only ports where this kind of TLS is at home are left, if
 * there are any; tls = off goes where STARTTLS would. */
static void
keep_ports(struct conf_account *a, enum conf_tls tls)
{
	enum conf_tls home = tls == CONF_TLS_OFF ? CONF_TLS_STARTTLS : tls;
	size_t n = 0;

	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i].tls == home)
			a->ports[n++] = a->ports[i];
	if (n > 0)
		a->nports = n;
}

static void
build_ports(struct draft *d)
{
	const struct conf_value *port = get_value(d, "port"),
				*tls = get_value(d, "tls");
	bool is_auto = port == NULL || str_eq_nocase(port->text, "auto");
	int mode;

	if (!is_auto)
		ports_from_text(d, port->text);
	else if (d->preset != NULL)
		for (size_t i = 0; i < d->preset->nports; i++)
			add_port(d, d->preset->ports[i].port);
	else
		ports_from_text(d, "465 587 2525");

	if (tls == NULL || str_eq_nocase(tls->text, "auto"))
		return;
	mode = setting_word_index(setting_tls_modes, tls->text) - 1;
	if (is_auto)
		keep_ports(d->a, (enum conf_tls)mode);
	for (size_t i = 0; i < d->a->nports; i++)
		d->a->ports[i].tls = (enum conf_tls)mode;
	if (mode == CONF_TLS_OFF && d->a->host != NULL &&
	    !conf_is_loopback(d->a->host))
		PROBLEM(d, tls,
		    "tls = off is allowed only for a host on this machine, "
		    "such as localhost: otherwise the password would be sent "
		    "in clear text");
}

/* Would a connection to this host end at this listener, if the port fits?
 * 127.0.0.2 is not 127.0.0.1, but "localhost" is both 127.0.0.1 and ::1. */
static bool
is_listener(const struct conf *c, const char *host, const struct conf_listen *l)
{
	bool is_any = strcmp(l->host, "::") == 0 ||
		      strcmp(l->host, "0.0.0.0") == 0;

	if (str_eq_nocase(host, l->host))
		return true;
	if (l->is_loopback)
		return str_eq_nocase(host, "localhost") &&
		       (strcmp(l->host, "127.0.0.1") == 0 ||
			   strcmp(l->host, "::1") == 0);
	return str_eq_nocase(host, c->host_found) ||
	       (is_any && conf_is_loopback(host));
}

/* The listener that this account would connect to, or NULL: messages would come
 * straight back to us (R43). */
static const struct conf_listen *
listener_of_ours(const struct conf *c, const struct conf_account *a)
{
	for (size_t i = 0; i < c->nlistens; i++) {
		const struct conf_listen *l = &c->listens[i];

		if (l->path != NULL || !is_listener(c, a->host, l))
			continue;
		for (size_t k = 0; k < a->nports; k++)
			if (a->ports[k].port == l->port)
				return l;
	}
	return NULL;
}

static void
check_not_ourselves(struct draft *d)
{
	const struct conf_listen *l = listener_of_ours(d->b->conf, d->a);

	if (l != NULL)
		PROBLEM(d, get_value(d, "host"),
		    "%s port %d is relais itself (listener %s), so messages "
		    "would loop",
		    d->a->host, l->port, l->name);
}

static bool
is_pin(const char *text)
{
	struct buf b;
	bool is_good;

	if (strncmp(text, "sha256:", 7) != 0)
		return false;
	buf_init(&b, 64);
	is_good = base64_decode(&b, bytes_str(text + 7)) && buf_len(&b) == 32;
	buf_clear(&b);
	return is_good;
}

/* Anyone who can replace this file could read or send the mail of this
 * account. */
static void
check_trust(struct draft *d, const char *key, const char *file)
{
	struct err err;

	err_clear(&err);
	if (file != NULL && d->b->env->text == NULL &&
	    trust_file(file, d->b->owner, &err) != 0)
		PROBLEM(d, get_value(d, key), "%s: %s", key, err.text);
}

static void
build_tls(struct draft *d)
{
	const struct conf_value *v = get_value(d, "tls_pin");
	struct conf_list words = { NULL, 0 };

	if ((d->a->tls_cert == NULL) != (d->a->tls_key == NULL))
		PROBLEM(d,
		    get_value(d, d->a->tls_cert ? "tls_cert" : "tls_key"),
		    "tls_cert and tls_key must be set together; one is "
		    "missing");
	check_trust(d, "tls_ca_file", d->a->tls_ca_file);
	check_trust(d, "tls_cert", d->a->tls_cert);
	check_trust(d, "tls_key", d->a->tls_key);
	if (v == NULL)
		return;
	setting_split_list(v->text, &words);
	if (words.n > CONF_PINS_MAX)
		PROBLEM(d, v,
		    "too many keys in tls_pin: at most %d are allowed",
		    (int)CONF_PINS_MAX);
	for (size_t i = 0; i < words.n && i < CONF_PINS_MAX; i++)
		if (is_pin(words.v[i]))
			d->a->tls_pins[i] = xstrdup(words.v[i]);
		else
			PROBLEM(d, v,
			    "tls_pin \"%s\" is not sha256: followed by the "
			    "BASE64 of 32 bytes",
			    words.v[i]);
	conf_list_clear(&words);
}

/* Values that people copy from elsewhere: a URL, quotes, a name with a port. */
static void
check_host(struct draft *d)
{
	const struct conf_value *v = get_value(d, "host");
	const char *h = d->a->host, *name = strstr(h, "://");
	const char *colon = strchr(h, ':');

	if (strpbrk(h, "\"'") != NULL)
		PROBLEM(d, v, "host = %s: write it without quotes", h);
	else if (name != NULL)
		PROBLEM(d, v,
		    "host = %s: write the name alone: host = %.*s (for "
		    "smtps:// also tls = implicit)",
		    h, (int)strcspn(name + 3, ":/"), name + 3);
	else if (colon != NULL && h[0] != '[' && strchr(colon + 1, ':') == NULL)
		PROBLEM(d, v,
		    "host = %s: the port has a setting of its own: host = "
		    "%.*s, port = %s",
		    h, (int)(colon - h), h, colon + 1);
	else if (strpbrk(h, "/@") != NULL)
		PROBLEM(d, v,
		    "host = %s: this is not the name of a server; write it as "
		    "in host = smtp.example.org",
		    h);
}

static void
build_where(struct draft *d)
{
	build_ports(d);
	build_tls(d);
	if (d->a->host != NULL) {
		check_host(d);
		check_not_ourselves(d);
	} else if (get_value(d, "provider") ==
		   NULL) /* otherwise that was reported */
		PROBLEM(d, NULL,
		    "no server is set: add provider = KEY, or host = NAME");
}

/* --- as whom -------------------------------------------------------------- */

static void
build_user(struct draft *d)
{
	struct conf_account *a = d->a;
	const char *at;

	if (d->preset == NULL)
		return;
	if (a->user == NULL && d->preset->login == PROVIDER_LOGIN_FIXED)
		a->user = xstrdup(d->preset->login_word);
	if (a->user == NULL && a->address != NULL &&
	    d->preset->login <= PROVIDER_LOGIN_LOCAL)
		a->user = xstrdup(a->address);
	if (a->user == NULL) {
		if (d->preset->login == PROVIDER_LOGIN_OTHER)
			PROBLEM(d, NULL,
			    "no login name is set: add user; %s calls it %s",
			    d->preset->key, d->preset->login_word);
		else
			PROBLEM(d, NULL,
			    "no login name is set: add user = your email "
			    "address there");
		return;
	}
	if (d->preset->login != PROVIDER_LOGIN_LOCAL ||
	    (at = strrchr(a->user, '@')) == NULL)
		return;
	if (a->address == NULL)
		a->address = xstrdup(a->user);
	set_string(&a->user, a->user, (size_t)(at - a->user));
}

static void
build_identity(struct draft *d)
{
	struct conf_account *a = d->a;
	bool is_said = get_value(d, "identity") != NULL;
	bool has_list = get_value(d, "allowed_senders") != NULL;
	const char *at;

	if (a->address == NULL && a->user != NULL && strchr(a->user, '@'))
		a->address = xstrdup(a->user);
	/* Without a login no address can be required: the relay of an access
	 * provider accepts any sender. */
	if (!is_said && a->address == NULL && a->user == NULL)
		a->identity = CONF_IDENTITY_KEEP;
	if (a->address == NULL) {
		if (a->identity != CONF_IDENTITY_KEEP &&
		    (a->user != NULL || d->preset == NULL))
			PROBLEM(d, get_value(d, "user"),
			    "no address is set: add address, the email address "
			    "to send as, because the login name is not an "
			    "address");
		return;
	}
	if (is_said || has_list || d->preset == NULL)
		return;
	if (d->preset->senders == PROVIDER_SENDERS_FORCE)
		a->identity = CONF_IDENTITY_FORCE;
	at = strrchr(a->address, '@');
	if (d->preset->senders == PROVIDER_SENDERS_DOMAIN) {
		char *pattern = xasprintf("*%s", at);

		conf_list_add(&a->allowed_senders, pattern, strlen(pattern));
		free(pattern);
	}
}

/* --- with which secret ---------------------------------------------------- */

static const struct {
	const char *name;
	enum cred_kind kind;
} sources[] = { { "password", CRED_TEXT }, { "password_file", CRED_FILE },
	{ "password_command", CRED_COMMAND },
	{ "password_credential", CRED_SYSTEMD },
	{ "password_keyring", CRED_KEYRING }, { "oauth", CRED_OAUTH } };

static bool
is_no(const struct conf_value *v)
{
	return v->text != NULL &&
	       (str_eq_nocase(v->text, "no") || str_eq_nocase(v->text, "off") ||
		   str_eq_nocase(v->text, "false") ||
		   strcmp(v->text, "0") == 0);
}

/* Takes the one secret this section names; false: it names none. */
static bool
secret_from(struct draft *d, const struct conf_section *s)
{
	const struct conf_value *first = NULL;
	const char *first_name = NULL;
	char where[32] = "";

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const struct conf_value *v = conf_section_get(
		    s, sources[i].name);
		struct cred_source *to = &d->a->secret;

		if (v == NULL || (sources[i].kind == CRED_KEYRING && is_no(v)))
			continue;
		if (first != NULL) {
			PROBLEM(d, v,
			    "two secrets are set, %s%s and %s: keep one",
			    first_name, where, sources[i].name);
			continue;
		}
		first = v;
		first_name = sources[i].name;
		if (v->line > 0)
			(void)snprintf(
			    where, sizeof(where), " on line %d", v->line);
		to->kind = sources[i].kind;
		to->value = xstrdup(v->text);
		to->secret = secret_dup(v->secret);
	}
	return first != NULL;
}

/* "~/x" in the home folder of the daemon's user; frees path. */
static char *
at_home(const struct draft *d, char *path)
{
	char *full;

	if (path[0] != '~' || d->b->env->home == NULL)
		return path;
	full = xasprintf("%s%s", d->b->env->home, path + 1);
	free(path);
	return full;
}

static void
check_secret_file(struct draft *d)
{
	struct cred_source *s = &d->a->secret;
	const struct conf_value *v = get_value(d, "password_file");
	struct err err;

	if (s->kind != CRED_FILE)
		return;
	s->value = at_home(d, s->value);
	if (d->b->env->text != NULL || d->b->env->lacks_secrets)
		return; /* checked when the copy was made; or later */
	err_clear(&err);
	if (cred_file_check(s->value, d->b->env->group, d->b->owner, &err) != 0)
		PROBLEM(d, v, "%s", err.text);
	else if (geteuid() == 0 && cred_file_stamp(s->value, &s->stamp))
		/* Read now, because later we may not be root.  An error is
		 * reported when a login needs the secret. */
		IGNORE(cred_file_read(
			   s->value, d->b->env->group, &s->secret, NULL) != 0);
}

/* The key of a preset whose accounts sign in, or NULL: "oauth:KEY", perhaps as
 * one of two ways. */
static const char *
preset_oauth(const struct draft *d)
{
	const char *at = d->preset != NULL ? strstr(d->preset->secret, "oauth:")
					   : NULL;

	return at != NULL ? at + strlen("oauth:") : NULL;
}

/* A client's name says that its account signs in, where the preset knows
 * how. */
static bool
secret_from_preset(struct draft *d)
{
	const char *key = preset_oauth(d);
	struct cred_source *to = &d->a->secret;

	if (key == NULL || get_value(d, "client_id") == NULL)
		return false;
	to->kind = CRED_OAUTH;
	to->value = xstrndup(key, strcspn(key, "|"));
	return true;
}

static const struct oauth_rows *
oauth_rows(struct draft *d)
{
	struct conf_build *b = d->b;
	struct conf_paths paths;
	const char *own;
	struct err err;

	if (b->oauth != NULL)
		return b->oauth;
	b->oauth = oauth_rows_new();
	conf_paths_init(&paths, b->env);
	own = b->env->oauth_own != NULL ? b->env->oauth_own : paths.oauth_own;
	err_clear(&err);
	/* A row says to whom the tokens go. */
	if (access(own, F_OK) == 0 &&
	    (trust_file(own, b->owner, &err) != 0 ||
		oauth_rows_read(b->oauth, own, &err) != 0))
		conf_problem_add(
		    b->problems, b->raw->file, 0, NULL, "%s", err.text);
	conf_paths_clear(&paths);
	return b->oauth;
}

/* A secret is in one place: false if a file and a credential are named. */
static bool
is_one_place(struct draft *d, const char *file, const char *credential)
{
	const struct conf_value *v = get_value(d, credential);

	if (v == NULL || get_value(d, file) == NULL)
		return true;
	PROBLEM(d, v, "%s and %s are both set: keep one", file, credential);
	return false;
}

/* What the flow cannot do without. */
static void
check_oauth(struct draft *d, const struct conf_value *v)
{
	const struct cred_oauth *o = d->a->secret.oauth;
	const char *flow = cred_oauth_get(o, CRED_OAUTH_FLOW);
	bool is_jwt = strcmp(flow, "jwt") == 0;

	if (!is_one_place(
		d, "client_secret_file", "client_secret_credential") ||
	    !is_one_place(d, "jwt_key_file", "jwt_key_credential"))
		return;
	if (is_jwt && o->v[CRED_OAUTH_JWT_KEY_FILE] == NULL &&
	    o->v[CRED_OAUTH_JWT_KEY_CREDENTIAL] == NULL)
		PROBLEM(d, get_value(d, "oauth_flow"),
		    "oauth_flow = jwt needs jwt_key_file or "
		    "jwt_key_credential");
	else if (!is_jwt && o->v[CRED_OAUTH_CLIENT_ID] == NULL)
		PROBLEM(d, v,
		    "oauth needs client_id: register a client with the "
		    "provider and set its id here; see client_id in "
		    "relais.conf(5)");
	else if (strcmp(flow, "client") == 0 &&
		 o->v[CRED_OAUTH_CLIENT_SECRET_FILE] == NULL &&
		 o->v[CRED_OAUTH_CLIENT_SECRET_CREDENTIAL] == NULL)
		PROBLEM(d, get_value(d, "oauth_flow"),
		    "oauth_flow = client needs client_secret_file or "
		    "client_secret_credential");
	else if (strcmp(flow, "device") == 0 && o->v[CRED_OAUTH_DEVICE] == NULL)
		PROBLEM(d, get_value(d, "oauth_flow"),
		    "%s has no device flow for mail: use oauth_flow = browser",
		    d->a->secret.value);
}

static void
build_oauth(struct draft *d)
{
	static const struct {
		const char *name;
		enum cred_oauth_key key;
	} rows[] = { { "client_id", CRED_OAUTH_CLIENT_ID },
		{ "client_secret_file", CRED_OAUTH_CLIENT_SECRET_FILE },
		{ "client_secret_credential",
		    CRED_OAUTH_CLIENT_SECRET_CREDENTIAL },
		{ "jwt_key_file", CRED_OAUTH_JWT_KEY_FILE },
		{ "jwt_key_credential", CRED_OAUTH_JWT_KEY_CREDENTIAL },
		{ "oauth_flow", CRED_OAUTH_FLOW } };
	struct cred_source *s = &d->a->secret;
	const struct conf_value *v = get_value(d, "oauth");
	struct err err;
	char *folder;

	if (s->kind != CRED_OAUTH)
		return;
	err_clear(&err);
	s->oauth = oauth_rows_find(oauth_rows(d), s->value, &err);
	if (s->oauth == NULL) {
		PROBLEM(d, v, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct conf_value *set = get_value(d, rows[i].name);
		char *value = set != NULL ? at_home(d, xstrdup(set->text))
					  : NULL;

		if (value != NULL)
			cred_oauth_set(s->oauth, rows[i].key, value);
		free(value);
	}
	folder = xasprintf("%s/oauth", d->b->conf->spool);
	cred_oauth_set(s->oauth, CRED_OAUTH_FOLDER, folder);
	free(folder);
	if (d->b->env->text == NULL)
		check_oauth(d, v);
}

static void
build_secret(struct draft *d)
{
	struct conf_account *a = d->a;
	bool has_one = secret_from(d, d->own) || secret_from(d, d->star) ||
		       secret_from_preset(d);
	const char *hint = a->secret_hint;

	check_secret_file(d);
	build_oauth(d);
	if (a->secret.kind == CRED_OAUTH)
		a->is_token = true;
	a->secret.is_grouped = d->preset != NULL &&
			       d->preset->has_grouped_secret;
	if (has_one && a->user == NULL && d->preset == NULL)
		PROBLEM(d, NULL, "a secret is set but no user to log in as");
	if (!has_one && a->user != NULL &&
	    (a->auth == NULL || strcmp(a->auth, "EXTERNAL") != 0))
		PROBLEM(d, NULL,
		    "a user is set but no secret: add password_file, "
		    "password_command, password_credential, "
		    "password_keyring, oauth or password%s%s%s",
		    hint != NULL ? " (" : "", hint != NULL ? hint : "",
		    hint != NULL ? ")" : "");
}

/* The mechanisms in SASL's spelling; "auto": any. */
static void
build_auth(struct draft *d)
{
	const struct conf_value *v = get_value(d, "auth");
	struct conf_list words = { NULL, 0 };
	struct buf b;
	bool is_auto = v == NULL;

	/* The preset supports only tokens. */
	d->a->is_token = d->preset != NULL &&
			 strncmp(d->preset->secret, "oauth:", 6) == 0 &&
			 strchr(d->preset->secret, '|') == NULL;
	buf_init(&b, 1000);
	if (v != NULL)
		setting_split_list(v->text, &words);
	if (words.n > 0)
		d->a->is_token = true;
	for (size_t i = 0; i < words.n; i++) {
		is_auto = is_auto || str_eq_nocase(words.v[i], "auto");
		if (!str_eq_nocase(words.v[i], "xoauth2") &&
		    !str_eq_nocase(words.v[i], "oauthbearer"))
			d->a->is_token = false;
		for (char *p = words.v[i]; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		IGNORE(buf_addf(&b, "%s%s", i > 0 ? " " : "", words.v[i]));
	}
	if (!is_auto && words.n > 0)
		d->a->auth = buf_steal(&b);
	buf_clear(&b);
	conf_list_clear(&words);
}

/* --- all of them ---------------------------------------------------------- */

int
conf_account_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->naccounts; i++)
		if (strcmp(c->accounts[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool
conf_account_has_condition(const struct conf_account *a)
{
	return a->senders.n > 0 || a->recipients.n > 0 || a->users.n > 0;
}

static void
build_account(struct conf_build *b, const struct conf_section *own,
    const struct conf_section *star)
{
	struct conf *c = b->conf;
	struct draft d = { .b = b, .own = own, .star = star };

	c->accounts = xrealloc(
	    c->accounts, c->naccounts + 1, sizeof(*c->accounts));
	d.a = &c->accounts[c->naccounts++];
	*d.a = (struct conf_account) {
		.name = xstrdup(own->name), .line = own->line, .fallback = -1
	};
	find_preset(&d);
	apply_layers(&d);
	build_where(&d);
	if (d.preset != NULL || get_value(&d, "provider") == NULL) {
		build_user(&d);
		build_identity(&d);
		build_auth(&d);
		build_secret(&d);
	}
	free(d.preset_host);
}

static void
build_fallback(struct conf_build *b, const struct conf_section *own,
    const struct conf_section *star)
{
	struct conf *c = b->conf;
	struct conf_account *a = &c->accounts[conf_account_find(c, own->name)];
	struct draft d = { .b = b, .own = own, .star = star, .a = a };
	const struct conf_value *v = get_value(&d, "fallback");
	const char **names, *near;

	if (v == NULL)
		return;
	a->fallback = conf_account_find(c, v->text);
	if (a->fallback >= 0 && &c->accounts[a->fallback] == a) {
		/* From [account *] it may be meant for the other accounts. */
		a->fallback = -1;
		if (conf_section_get(own, "fallback") != NULL)
			PROBLEM(&d, v, "an account cannot be its own fallback");
		return;
	}
	if (a->fallback >= 0)
		return;
	names = xcalloc(c->naccounts + 1, sizeof(*names));
	for (size_t i = 0; i < c->naccounts; i++)
		names[i] = c->accounts[i].name;
	near = setting_nearest_word(names, v->text);
	PROBLEM(&d, v, "fallback \"%s\" is not an account%s%s%s", v->text,
	    near ? ": did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
	free(names);
}

/* The account that says `default = yes', or -1. */
static int
marked_default(struct conf_build *b)
{
	struct conf *c = b->conf;
	int found = -1;

	for (size_t i = 0; i < c->naccounts; i++) {
		if (!c->accounts[i].is_default)
			continue;
		if (found >= 0)
			conf_problem_add(b->problems, b->raw->file,
			    c->accounts[i].line, "default = yes",
			    "both [account %s] and [account %s] are the "
			    "default; only one account can be",
			    c->accounts[found].name, c->accounts[i].name);
		else
			found = (int)i;
	}
	return found;
}

/* Without a mark, the only account without conditions is meant; if all have
 * conditions, mail that meets none of them is refused when it is submitted. */
static void
choose_default(struct conf_build *b)
{
	struct conf *c = b->conf;
	int found = marked_default(b);
	size_t open = 0;

	for (size_t i = 0; i < c->naccounts && found < 0; i++)
		open += !conf_account_has_condition(&c->accounts[i]);
	for (size_t i = 0; i < c->naccounts && found < 0; i++)
		if (c->naccounts == 1 ||
		    (open == 1 && !conf_account_has_condition(&c->accounts[i])))
			found = (int)i;
	if (found < 0 && open > 1)
		conf_problem_add(b->problems, b->raw->file, c->accounts[0].line,
		    "[account]",
		    "none of the %zu accounts is the default: add default = "
		    "yes to one of them",
		    c->naccounts);
	c->default_account = found;
	if (found >= 0)
		c->accounts[found].is_default = true;
}

void
conf_build_accounts(struct conf_build *b)
{
	const struct conf_section *star = conf_raw_find(
	    b->raw, SETTING_ACCOUNT, "*");

	for (size_t i = 0; i < b->raw->n; i++)
		if (b->raw->v[i].kind == SETTING_ACCOUNT &&
		    &b->raw->v[i] != star)
			build_account(b, &b->raw->v[i], star);
	if (b->conf->naccounts == 0) {
		b->conf->default_account = -1;
		/* An unreadable file has been reported already. */
		if (b->problems->n == 0 && !b->env->lacks_accounts)
			conf_problem_add(b->problems, b->raw->file, 0, NULL,
			    b->env->vars != NULL
				? "no account is configured: set RELAYHOST, "
				  "RELAYHOST_USERNAME and "
				  "RELAYHOST_PASSWORD_FILE, or put [account "
				  "NAME] in this file"
				: "no account is configured: add [account "
				  "NAME] with provider or host, user and "
				  "password_file");
		return;
	}
	for (size_t i = 0; i < b->raw->n; i++)
		if (b->raw->v[i].kind == SETTING_ACCOUNT &&
		    &b->raw->v[i] != star)
			build_fallback(b, &b->raw->v[i], star);
	choose_default(b);
}
