/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what a program did to what a person would write into relais.conf. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_edit.h"
#include "conf/setting.h"
#include "relais-setup/import.h"

enum { PORT_SMTP = 25, PORT_SUBMISSIONS = 465 };

/* --- server and preset ---------------------------------------------------- */

static bool
is_loopback(const char *host)
{
	return str_eq_nocase(host, "localhost") || str_eq(host, "::1") ||
	       strncmp(host, "127.", 4) == 0;
}

/* The region in host, if it is the row's host with one put in; none if it is
 * the row's host.  False: it is another host. */
static bool
is_host_of(const struct provider *p, const char *host, struct bytes *ret_region)
{
	static const char word[] = "REGION";
	const char *at = strstr(p->host, word);
	const char *tail = at != NULL ? at + sizeof(word) - 1 : "";
	size_t before = at != NULL ? (size_t)(at - p->host) : 0;
	size_t n = strlen(host), used = before + strlen(tail);

	*ret_region = bytes_of(host, 0);
	if (at == NULL)
		return str_eq_nocase(p->host, host);
	if (n <= used || !str_eq_nocase(host + n - strlen(tail), tail) ||
	    strncasecmp(host, p->host, before) != 0)
		return false;
	*ret_region = bytes_of(host + before, n - used);
	return memchr(ret_region->p, '.', ret_region->n) == NULL;
}

static bool
has_domain(const struct provider *p, const char *address)
{
	const char *at = address != NULL ? strrchr(address, '@') : NULL;

	for (size_t i = 0; at != NULL && i < p->domains.n; i++)
		if (str_eq_nocase(at + 1, p->domains.v[i]))
			return true;
	return false;
}

/* Two rows may have one host: that of the mailbox's domain, or else the one
 * for domains of customers. */
static const struct provider *
find_preset(const struct providers *ps, const char *host, const char *user,
    struct bytes *ret_region)
{
	const struct provider *p, *best = NULL;
	struct bytes region;

	for (size_t i = 0; ps != NULL && (p = providers_at(ps, i)) != NULL;
	     i++) {
		if (p->refusal != NULL || !is_host_of(p, host, &region))
			continue;
		if (best == NULL || has_domain(p, user) ||
		    (p->domains.n == 0 && !has_domain(best, user))) {
			best = p;
			*ret_region = region;
		}
	}
	return best;
}

static bool
has_port(const struct provider *p, int port, enum conf_tls tls)
{
	for (size_t i = 0; i < p->nports; i++)
		if (p->ports[i].port == port && p->ports[i].tls == tls)
			return true;
	return false;
}

static void
set_port(struct import_account *a, int port)
{
	char *text = xasprintf("%d", port);

	import_sets(a, "port", text);
	free(text);
}

/* A submission port was named, or there is a login: then `port = auto` finds
 * what this line lets through.  Port 25 is kept only for the relay of a local
 * network, which has no other. */
static void
finish_port(struct import *im, struct import_account *a,
    const struct provider *preset, const char *host)
{
	enum conf_tls tls = a->tls == IMPORT_TLS_IMPLICIT ? CONF_TLS_IMPLICIT
							  : CONF_TLS_STARTTLS;
	int port = a->port;
	bool is_implicit_port;

	if (port == 0 && a->tls == IMPORT_TLS_IMPLICIT)
		port = PORT_SUBMISSIONS;
	/* Nobody offers STARTTLS there, so it was not tried. */
	if (port == PORT_SUBMISSIONS)
		tls = CONF_TLS_IMPLICIT;
	is_implicit_port = port == PORT_SUBMISSIONS || port == 2465 ||
			   port == 8465 || port == 443;
	if (a->tls == IMPORT_TLS_CLEAR && is_loopback(host)) {
		set_port(a, port != 0 ? port : PORT_SMTP);
		import_sets(a, "tls", "off");
		return;
	}
	if (a->tls == IMPORT_TLS_CLEAR && !is_implicit_port) {
		import_note(im, NULL, 0,
		    "the connection to %s was not encrypted; relais uses TLS "
		    "and verifies the certificate",
		    host);
	}
	if (preset != NULL && has_port(preset, port, tls))
		return;
	if (preset != NULL && (port == 0 || port == PORT_SMTP))
		return;
	if (port == 0 && (import_get(a, "user") != NULL ||
			     a->secret_kind != IMPORT_SECRET_NONE)) {
		import_note(im, NULL, 0,
		    "no port was set for %s, which meant 25; relais tries 465, "
		    "587 and 2525",
		    host);
		return;
	}
	set_port(a, port != 0 ? port : PORT_SMTP);
	if (is_implicit_port != (tls == CONF_TLS_IMPLICIT))
		import_sets(a, "tls",
		    tls == CONF_TLS_IMPLICIT ? "implicit" : "starttls");
}

/* --- sender --------------------------------------------------------------- */

static void
finish_identity(struct import *im, struct import_account *a)
{
	const char *user = import_get(a, "user");
	const char *address = import_get(a, "address");

	if (address != NULL && str_eq_nocase(address, user))
		import_unset(a, "address");
	/* What the provider lets through is known, and it is less. */
	if (a->preset != NULL &&
	    (a->preset->senders == PROVIDER_SENDERS_FORCE ||
		str_eq(import_get(a, "identity"), "keep")))
		import_unset(a, "identity");
	/* Without a login and an address, senders can only be kept. */
	if (user == NULL && address == NULL)
		import_unset(a, "identity");
	if (user == NULL || address != NULL || strchr(user, '@') != NULL)
		return;
	import_sets(a, "identity", "keep");
	import_note(im, NULL, 0,
	    "the login %s is not an address, so senders stay as programs write "
	    "them; if the provider refuses them, set address in its place",
	    user);
}

/* A name without "@" or before this machine's name. */
static char *
local_user(const struct import *im, const char *sender)
{
	const char *at = strchr(sender, '@');

	if (at != NULL && !str_eq_nocase(at + 1, "localhost") &&
	    !(im->files->hostname != NULL &&
		str_eq_nocase(at + 1, im->files->hostname)))
		return NULL;
	return xstrndup(
	    sender, at != NULL ? (size_t)(at - sender) : strlen(sender));
}

static struct import_account *
account_with_address(struct import *im, const char *address)
{
	for (size_t i = 0; i < im->n; i++)
		if (str_eq_nocase(
			import_get(im->accounts[i], "address"), address))
			return im->accounts[i];
	return NULL;
}

static void
append(struct import_account *a, const char *key, const char *word)
{
	const char *old = import_get(a, key);
	char *all = old != NULL ? xasprintf("%s %s", old, word) : xstrdup(word);

	import_sets(a, key, all);
	free(all);
}

static struct import_account *
copy_account(struct import *im, const struct import_account *from)
{
	struct import_account *a = import_account_add(im, NULL);

	a->port = from->port;
	a->tls = from->tls;
	for (size_t i = 0; i < from->n; i++)
		import_sets(a, from->v[i].key, from->v[i].value);
	a->secret_kind = from->secret_kind;
	a->secret = secret_dup(from->secret);
	a->secret_from = xstrdup(from->secret_from);
	return a;
}

/* One user whose address differs from that of the account: the same login
 * once more, for this user only. */
static void
finish_sender(struct import *im, const struct import_setting *s)
{
	struct import_account *first = im->accounts[0], *a;
	const char *own = import_get(first, "address");
	char *user = local_user(im, s->key);

	if (own == NULL)
		own = import_get(first, "user");
	if (str_eq_nocase(own, s->value)) {
		free(user);
		return;
	}
	if (user != NULL && *user == '\0') {
		import_note(im, NULL, 0,
		    "every sender was written as %s; relais replaces it by the "
		    "address of the account",
		    s->value);
		free(user);
		return;
	}
	if (user == NULL || strpbrk(user, " \t,*=#") != NULL) {
		import_note(im, NULL, 0,
		    "%s was written as %s; relais replaces it by the address "
		    "of the account",
		    s->key, s->value);
		free(user);
		return;
	}
	a = account_with_address(im, s->value);
	if (a == NULL || import_get(a, "users") == NULL) {
		a = copy_account(im, first);
		a->name = xstrdup(user);
		import_sets(a, "address", s->value);
		import_unset(a, "identity");
	}
	append(a, "users", user);
	free(user);
}

static void
finish_senders(struct import *im)
{
	struct import_account *first = im->accounts[0];
	bool are_same = im->nsenders > 0;

	for (size_t i = 1; i < im->nsenders; i++)
		if (!str_eq_nocase(im->senders[i].value, im->senders[0].value))
			are_same = false;
	if (are_same && import_get(first, "address") == NULL)
		import_sets(first, "address", im->senders[0].value);
	/* "@domain": who has no address of their own. */
	for (size_t i = 0; i < im->nsenders; i++)
		if (im->senders[i].key[0] == '\0' &&
		    import_get(first, "address") == NULL)
			import_sets(first, "address", im->senders[i].value);
	for (size_t i = 0; i < im->nsenders; i++)
		finish_sender(im, &im->senders[i]);
}

/* --- names ---------------------------------------------------------------- */

/* An address is one wherever it logs in; another login means its server. */
static bool
is_same_mailbox(const struct import_account *a, const struct conf_account *old)
{
	const char *user = import_get(a, "user");
	const char *address = import_get(a, "address");
	const char *host = import_get(a, "host");

	if (address != NULL && old->address != NULL)
		return str_eq_nocase(address, old->address);
	if (user == NULL && a->preset != NULL &&
	    a->preset->login == PROVIDER_LOGIN_FIXED)
		user = a->preset->login_word;
	return str_eq_nocase(user, old->user) &&
	       ((user != NULL && strchr(user, '@') != NULL) || host == NULL ||
		   str_eq_nocase(host, old->host));
}

static bool
is_name_taken(
    const struct import *im, const struct import_account *but, const char *name)
{
	for (size_t i = 0; im->old != NULL && i < im->old->naccounts; i++)
		if (str_eq(im->old->accounts[i].name, name) &&
		    !is_same_mailbox(but, &im->old->accounts[i]))
			return true;
	for (size_t i = 0; i < im->n; i++)
		if (im->accounts[i] != but &&
		    str_eq(im->accounts[i]->name, name))
			return true;
	return false;
}

/* "default" says nothing; what a section may be called: conf/conf_read.c. */
static void
finish_name(struct import *im, struct import_account *a)
{
	char *word = a->name, *name;

	if (word == NULL || *word == '\0' || strcmp(word, "default") == 0) {
		free(word);
		word = xstrdup(a->preset != NULL ? a->preset->key : "mail");
	}
	for (char *c = word; *c != '\0'; c++)
		if (!ascii_is_alnum(*c) && strchr("._-@+", *c) == NULL)
			*c = '-';
	a->name = NULL;
	name = xstrdup(word);
	for (int i = 2; is_name_taken(im, a, name); i++) {
		free(name);
		name = xasprintf("%s-%d", word, i);
	}
	a->name = name;
	free(word);
}

/* --- all together --------------------------------------------------------- */

static void
finish_server(
    struct import *im, struct import_account *a, const struct providers *ps)
{
	const char *host = import_get(a, "host");
	struct bytes region = { NULL, 0 };
	char *key;

	a->preset = find_preset(ps, host, import_get(a, "user"), &region);
	finish_port(im, a, a->preset, host);
	if (a->preset == NULL)
		return;
	key = xasprintf("%s%s%.*s", a->preset->key, region.n > 0 ? ":" : "",
	    (int)region.n, region.p);
	import_sets(a, "provider", key);
	free(key);
	import_unset(a, "host");
	if (strncmp(a->preset->secret, "oauth:", 6) == 0 &&
	    strchr(a->preset->secret, '|') == NULL &&
	    import_get(a, "auth") == NULL)
		import_note(im, NULL, 0,
		    "%s takes a sign-in in place of a password; after the "
		    "import, see relais login",
		    a->preset->name);
}

/* Where the provider has one login for everybody, the preset says it. */
static void
finish_user(struct import_account *a)
{
	if (a->preset != NULL && a->preset->login == PROVIDER_LOGIN_FIXED &&
	    str_eq(import_get(a, "user"), a->preset->login_word))
		import_unset(a, "user");
}

/* As a person would order them; what is not here does not go into the file. */
static const char *const relais_keys[] = { "admin", "hostname", "aliases",
	"max_size", "lifetime", NULL };
static const char *const account_keys[] = { "provider", "host", "port", "tls",
	"tls_ca_file", "tls_cert", "tls_key", "user", "password_file",
	"password_command", "password_keyring", "auth", "address", "full_name",
	"identity", "allowed_senders", "senders", "users", "default",
	"fallback", NULL };

static int
write_section(const struct import_account *a, const char *section,
    const char *const *keys, struct buf *text, struct err *err)
{
	for (size_t i = 0; keys[i] != NULL; i++) {
		const char *value = import_get(a, keys[i]);

		if (value != NULL &&
		    conf_edit_set(text, section, keys[i], value, err) != 0)
			return err_ctx(err, "[%s] %s", section, keys[i]);
	}
	return 0;
}

/* What relais.conf cannot hold is told now and not found when it is written. */
static void
drop_unsuitable(struct import *im, struct import_account *a,
    const char *section, const char *const *keys)
{
	struct buf scratch;

	buf_init(&scratch, CONF_EDIT_MAX);
	for (size_t i = 0; keys[i] != NULL; i++) {
		const char *value = import_get(a, keys[i]);
		struct err err = { 0 };

		if (value == NULL ||
		    conf_edit_set(&scratch, section, keys[i], value, &err) == 0)
			continue;
		import_note(im, NULL, 0, "%s \"%s\" is left out: %s", keys[i],
		    value, err.text);
		import_unset(a, keys[i]);
	}
	buf_clear(&scratch);
}

void
import_finish(struct import *im, const struct providers *ps)
{
	size_t spares;

	drop_unsuitable(im, im->relais, "relais", relais_keys);
	for (size_t i = 0; i < im->n; i++)
		drop_unsuitable(im, im->accounts[i], "account x", account_keys);
	for (size_t i = 0; i < im->n;)
		if (import_get(im->accounts[i], "host") == NULL)
			import_account_drop(im, i);
		else
			finish_server(im, im->accounts[i++], ps);
	if (im->n == 0)
		import_refuse(im, "it names no server to send through");
	if (im->refusal != NULL) {
		import_notes_clear(im);
		return;
	}
	spares = im->are_spares ? im->n : 1;
	finish_senders(im);
	for (size_t i = 0; i < im->n; i++) {
		finish_identity(im, im->accounts[i]);
		finish_user(im->accounts[i]);
		finish_name(im, im->accounts[i]);
	}
	if (im->n > 1)
		import_sets(im->accounts[0], "default", "yes");
	for (size_t i = 0; i + 1 < spares; i++)
		import_sets(
		    im->accounts[i], "fallback", im->accounts[i + 1]->name);
}

bool
import_needs_secret(const struct import_account *a)
{
	return (import_get(a, "user") != NULL ||
		   (a->preset != NULL &&
		       a->preset->login == PROVIDER_LOGIN_FIXED)) &&
	       !str_eq(import_get(a, "auth"), "external");
}

const struct import_account *
import_secret_owner(const struct import *im, const struct import_account *a)
{
	for (size_t i = 0; i < im->n && a->secret != NULL; i++) {
		const struct import_account *b = im->accounts[i];

		if (b->secret != NULL && secret_eq(a->secret, b->secret))
			return b;
	}
	return a;
}

/* What an older account of this name had as its secret does not stay. */
static void
set_secret(const struct import *im, struct import_account *a,
    const char *secret_dir, struct buf *text)
{
	static const char *const keys[] = { "password_file", "password_command",
		"password_credential", "password_keyring", "password" };
	char *section = xasprintf("account %s", a->name);
	char *file = xasprintf(
	    "%s/%s", secret_dir, import_secret_owner(im, a)->name);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		conf_edit_unset(text, section, keys[i]);
	if (a->secret_kind == IMPORT_SECRET_KEYRING)
		import_sets(a, "password_keyring", "yes");
	else if (a->secret_kind != IMPORT_SECRET_COMMAND &&
		 import_needs_secret(a))
		import_sets(a, "password_file", file);
	free(section);
	free(file);
}

int
import_write(const struct import *im, const char *secret_dir, struct buf *text,
    struct err *err)
{
	int rc = write_section(im->relais, "relais", relais_keys, text, err);

	for (size_t i = 0; i < im->n && rc == 0; i++) {
		struct import_account *a = im->accounts[i];
		char *section = xasprintf("account %s", a->name);

		set_secret(im, a, secret_dir, text);
		rc = write_section(a, section, account_keys, text, err);
		free(section);
	}
	return rc;
}
