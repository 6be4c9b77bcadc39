/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Postfix: main.cf, and the maps it names.
 *
 *	main.cf = *( comment / NAME "=" VALUE )    a blank continues the line
 *	map     = *( comment / KEY 1*blank VALUE ) likewise
 *
 * There is no comment behind a value.  Where postconf(1) and postmap(1) are,
 * they say what main.cf and a map contain, in the same form.  Maps that are
 * programs (regexp, ldap, mysql ...) are only named. */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

enum { DEPTH_MAX = 8, EXPANDED_MAX = 64 * 1024 };

struct reading {
	struct import *im;
	const char *file;
	char *dir;
	struct import_account *values; /* the parameters of main.cf */
};

/* --- main.cf -------------------------------------------------------------- */

static void
read_main(struct reading *rd, struct import_text *t)
{
	struct buf line;

	buf_init(&line, IMPORT_TEXT_MAX);
	while (import_joined_line(t, &line)) {
		struct bytes value = buf_bytes(&line);
		struct bytes name = bytes_trim(bytes_cut(&value, '='));
		char *key = xstrndup(name.p, name.n);

		/* The last one counts, also if it is empty. */
		import_unset(rd->values, key);
		import_set(rd->values, key, value);
		free(key);
	}
	buf_wipe(&line);
}

static bool
read_with_postconf(struct reading *rd)
{
	const struct import_files *files = rd->im->files;
	struct import_text t = { .file = xstrdup(rd->file) };
	bool is_read;

	buf_init(&t.buf, IMPORT_TEXT_MAX);
	is_read = files->postconf != NULL &&
		  files->postconf(files->ctx, rd->dir, &t.buf);
	if (is_read) {
		t.rest = buf_bytes(&t.buf);
		read_main(rd, &t);
	}
	import_close(&t);
	return is_read;
}

/* What Postfix takes for a parameter that is not set. */
static const char *
builtin(const struct reading *rd, const char *name)
{
	const char *host = rd->im->files->hostname;
	const char *dot = host != NULL ? strchr(host, '.') : NULL;

	if (strcmp(name, "myhostname") == 0 || strcmp(name, "myorigin") == 0)
		return host;
	if (strcmp(name, "mydomain") == 0)
		return dot != NULL ? dot + 1 : "localdomain";
	if (strcmp(name, "config_directory") == 0)
		return rd->dir;
	return NULL;
}

static void expand(
    const struct reading *rd, struct bytes text, int depth, struct buf *to);

static void
expand_name(
    const struct reading *rd, struct bytes name, int depth, struct buf *to)
{
	char *key = xstrndup(name.p, name.n);
	const char *value = import_get(rd->values, key);

	if (value == NULL)
		value = builtin(rd, key);
	if (value != NULL && depth < DEPTH_MAX)
		expand(rd, bytes_str(value), depth + 1, to);
	free(key);
}

/* $name, ${name}, $(name); "$$" is "$".  What depends on a condition
 * (${name?text}) is left out. */
static void
expand(const struct reading *rd, struct bytes text, int depth, struct buf *to)
{
	while (text.n > 0) {
		const char *end;
		size_t n = 1;

		if (text.p[0] != '$' || text.n == 1) {
			IGNORE(buf_addc(to, text.p[0]));
		} else if (text.p[1] == '$') {
			IGNORE(buf_addc(to, '$'));
			n = 2;
		} else if ((text.p[1] == '{' || text.p[1] == '(') &&
			   (end = memchr(text.p, text.p[1] == '{' ? '}' : ')',
				text.n)) != NULL) {
			n = (size_t)(end - text.p) + 1;
			expand_name(rd, bytes_trim(bytes_of(text.p + 2, n - 3)),
			    depth, to);
		} else {
			while (n < text.n &&
			       (ascii_is_alnum(text.p[n]) || text.p[n] == '_'))
				n++;
			expand_name(rd, bytes_of(text.p + 1, n - 1), depth, to);
		}
		text = bytes_of(text.p + n, text.n - n);
	}
}

/* All values at once, so that import_get() is what Postfix uses. */
static void
expand_all(struct reading *rd)
{
	struct import_account *raw = rd->values;
	struct import_account *done = xcalloc(1, sizeof(*done));

	for (size_t i = 0; i < raw->n; i++) {
		struct buf b;

		buf_init(&b, EXPANDED_MAX);
		expand(rd, bytes_str(raw->v[i].value), 0, &b);
		import_set(done, raw->v[i].key, buf_bytes(&b));
		buf_wipe(&b);
	}
	rd->values = done;
	import_account_free(raw);
}

static const char *
get_parameter(const struct reading *rd, const char *name)
{
	return import_get(rd->values, name);
}

static bool
is_yes(const struct reading *rd, const char *name)
{
	return import_is_yes(bytes_str(get_parameter(rd, name)));
}

/* --- maps ----------------------------------------------------------------- */

typedef void (*row_taker)(void *ctx, struct bytes key, struct bytes value,
    const char *file, int line);

/* A value without keys: it is the answer to every question. */
enum { ANY_KEY = 0 };

static void
read_rows(struct reading *rd, const char *map, const char *path, row_taker take,
    void *ctx)
{
	const struct import_files *files = rd->im->files;
	struct import_text t = { .file = xstrdup(path) };
	bool is_exact = false;
	struct buf line;

	buf_init(&t.buf, IMPORT_TEXT_MAX);
	if (files->postmap != NULL &&
	    files->postmap(files->ctx, rd->dir, map, &t.buf)) {
		t.rest = buf_bytes(&t.buf);
		is_exact = true; /* its lines are not those of the file */
	} else {
		import_close(&t);
		if (!import_open(rd->im, path, &t)) {
			import_note(rd->im, path, 0, "it cannot be read");
			return;
		}
	}
	buf_init(&line, IMPORT_TEXT_MAX);
	while (import_joined_line(&t, &line)) {
		struct bytes value = buf_bytes(&line);
		struct bytes key = import_word(&value, " \t");

		take(ctx, key, value, path, is_exact ? 0 : t.line);
	}
	buf_wipe(&line);
	import_close(&t);
}

/* A regexp whose only rule fits everything: the usual way to write one sender
 * for all. */
static bool
read_single_rule(
    struct reading *rd, const char *path, row_taker take, void *ctx)
{
	static const char *const all[] = { "/.+/", "/.*/", "/^.*$/", "/^.+$/",
		"/./", "/^/", "/(.*)/", "/(.+)/", "/^(.*)$/", "/^(.+)$/" };
	struct import_text t;
	struct buf line;
	bool is_single = false;
	int rules = 0;

	if (!import_open(rd->im, path, &t))
		return false;
	buf_init(&line, IMPORT_TEXT_MAX);
	while (import_joined_line(&t, &line)) {
		struct bytes value = buf_bytes(&line);
		struct bytes key = import_word(&value, " \t");

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (rules == 0 && bytes_eq(key, all[i])) {
				take(ctx, bytes_of("", ANY_KEY), value, path,
				    t.line);
				is_single = true;
			}
		rules++;
	}
	buf_wipe(&line);
	import_close(&t);
	return is_single && rules == 1;
}

static bool
is_program(struct bytes type)
{
	static const char *const files[] = { "hash", "btree", "texthash",
		"lmdb", "cdb", "sdbm", "dbm" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (bytes_eq(type, files[i]))
			return false;
	return true;
}

/* Of a type that is not known, the place may be a table, secrets included. */
static bool
has_place(struct bytes type)
{
	static const char *const types[] = { "regexp", "pcre", "cidr", "ldap",
		"mysql", "pgsql", "sqlite", "mongodb", "memcache", "nis",
		"nisplus", "socketmap", "tcp", "unix" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (bytes_eq(type, types[i]))
			return true;
	return false;
}

/* The next map of a list; what is in braces is one word. */
static struct bytes
map_word(struct bytes *rest)
{
	struct bytes word = { rest->p, 0 };
	int depth = 0;

	for (; word.n < rest->n; word.n++) {
		char c = rest->p[word.n];

		if (depth == 0 && strchr(", \t", c) != NULL)
			break;
		if (c == '{')
			depth++;
		else if (c == '}' && depth > 0)
			depth--;
	}
	*rest = bytes_of(rest->p + word.n, rest->n - word.n);
	(void)import_word(rest, ", \t"); /* only the separators */
	return word;
}

/* name: the parameter, whose value is a list of TYPE:PLACE. */
static void
read_maps(struct reading *rd, const char *name, row_taker take, void *ctx)
{
	struct bytes rest = bytes_str(get_parameter(rd, name));

	while (rest.n > 0) {
		struct bytes one = map_word(&rest), path, type;
		char *map, *file;

		if (bytes_has_prefix_nocase(one, "proxy:"))
			one = bytes_of(one.p + 6, one.n - 6);
		path = one;
		type = bytes_cut(&path, ':');
		if (path.n == 0)
			continue;
		if (bytes_eq(type, "static")) {
			if (path.p[0] == '{' && path.p[path.n - 1] == '}')
				path = bytes_trim(
				    bytes_of(path.p + 1, path.n - 2));
			take(ctx, bytes_of("", ANY_KEY), path, rd->file, 0);
			continue;
		}
		map = xstrndup(one.p, one.n);
		file = xstrndup(path.p, path.n);
		if (!is_program(type))
			read_rows(rd, map, file, take, ctx);
		else if (!(bytes_eq(type, "regexp") ||
			     bytes_eq(type, "pcre")) ||
			 !read_single_rule(rd, file, take, ctx))
			import_note(rd->im, rd->file, 0,
			    "%s = %.*s:%s: relais does not ask such a map",
			    name, (int)type.n, type.p,
			    has_place(type) ? file : "...");
		free(file);
		free(map);
	}
}

/* --- the login ------------------------------------------------------------ */

struct login_search {
	struct reading *rd;
	struct import_account *a;
	const char *keys[3]; /* best first; NULL: none */
	size_t best; /* of what was found; 3: nothing yet */
};

static void
take_login(
    void *ctx, struct bytes key, struct bytes value, const char *file, int line)
{
	struct login_search *s = ctx;
	struct bytes user;
	size_t i = 0;

	if (key.n > 0)
		while (i < 3 && !import_is(key, s->keys[i]))
			i++;
	if (i >= s->best)
		return;
	s->best = i;
	user = bytes_cut(&value, ':');
	import_set(s->a, "user", user);
	import_secret(s->a, value, file, line);
}

/* As Postfix looks for it: by sender if it may, by the host's name, by the
 * relayhost as it is written, with brackets and port. */
static void
find_login(struct reading *rd, struct import_account *a, const char *sender,
    const char *relayhost)
{
	struct login_search s = { .rd = rd,
		.a = a,
		.keys = { is_yes(rd, "smtp_sender_dependent_authentication")
			      ? sender
			      : NULL,
		    import_get(a, "host"), relayhost },
		.best = 3 };

	if (!is_yes(rd, "smtp_sasl_auth_enable"))
		return;
	read_maps(rd, "smtp_sasl_password_maps", take_login, &s);
	if (s.best == 3)
		import_note(rd->im, rd->file, 0,
		    "smtp_sasl_password_maps has no login for %s", relayhost);
}

static enum import_tls
find_tls(const struct reading *rd)
{
	const char *level = get_parameter(rd, "smtp_tls_security_level");

	if (is_yes(rd, "smtp_tls_wrappermode"))
		return IMPORT_TLS_IMPLICIT;
	if (level == NULL)
		return is_yes(rd, "smtp_use_tls") ||
			       is_yes(rd, "smtp_enforce_tls")
			   ? IMPORT_TLS_STARTTLS
			   : IMPORT_TLS_CLEAR;
	return strcmp(level, "none") == 0 ? IMPORT_TLS_CLEAR
					  : IMPORT_TLS_STARTTLS;
}

static struct import_account *
add_account(struct reading *rd, const char *sender, struct bytes relayhost)
{
	struct import_account *a = import_account_add(rd->im, NULL);
	const char *ca = get_parameter(rd, "smtp_tls_CAfile");
	const char *cert = get_parameter(rd, "smtp_tls_cert_file");
	const char *key = get_parameter(rd, "smtp_tls_key_file");
	const char *filter = get_parameter(rd, "smtp_sasl_mechanism_filter");
	char *text;

	relayhost = bytes_trim(relayhost);
	text = xstrndup(relayhost.p, relayhost.n);
	import_server(a, relayhost);
	if (relayhost.n > 0 && relayhost.p[0] != '[')
		import_note(rd->im, rd->file, 0,
		    "relayhost %s has no brackets: Postfix asks the DNS which "
		    "servers take mail for it (MX); relais connects to the "
		    "name itself",
		    text);
	a->tls = find_tls(rd);
	if (ca != NULL && strcmp(ca, "/etc/ssl/certs/ca-certificates.crt") != 0)
		import_sets(a, "tls_ca_file", ca);
	if (cert != NULL)
		import_sets(a, "tls_cert", cert);
	if (cert != NULL)
		import_sets(a, "tls_key", key != NULL ? key : cert);
	if (filter != NULL && strcasestr(filter, "xoauth2") != NULL)
		import_sets(a, "auth", "xoauth2");
	find_login(rd, a, sender, text);
	free(text);
	return a;
}

/* One row of sender_dependent_relayhost_maps: ADDRESS or @DOMAIN, RELAYHOST. */
static void
take_sender_relay(
    void *ctx, struct bytes key, struct bytes value, const char *file, int line)
{
	struct reading *rd = ctx;
	struct import_account *a;
	char *sender;

	if (key.n < 2 || memchr(key.p, '@', key.n) == NULL) {
		import_note(rd->im, file, line,
		    "%.*s: relais chooses by an address or a domain",
		    (int)key.n, key.p);
		return;
	}
	sender = key.p[0] == '@' ? xasprintf("*%.*s", (int)key.n, key.p)
				 : xstrndup(key.p, key.n);
	a = add_account(rd, key.p[0] == '@' ? NULL : sender, value);
	import_sets(a, "senders", sender);
	import_sets(a, key.p[0] == '@' ? "allowed_senders" : "address", sender);
	free(sender);
}

/* --- senders -------------------------------------------------------------- */

static void
take_sender(
    void *ctx, struct bytes key, struct bytes value, const char *file, int line)
{
	struct reading *rd = ctx;

	(void)file;
	(void)line;
	if (key.n == 0 && rd->im->n > 0)
		import_sets(rd->im->accounts[0], "identity", "force");
	/* "@domain" is everybody here. */
	if (key.n > 0 && key.p[0] == '@')
		key.n = 0;
	import_sender(rd->im, key, value);
}

/* --- what relais does not do ---------------------------------------------- */

static const struct {
	const char *name, *why;
} lost[] = {
	{ "transport_maps",
	    N_("relais sends everything through its accounts; recipients of an "
	       "account chooses one") },
	{ "virtual_alias_maps", N_("write such names into aliases") },
	{ "recipient_canonical_maps", N_("recipients stay as they are") },
	{ "always_bcc", N_("relais sends no copies") },
	{ "sender_bcc_maps", N_("relais sends no copies") },
	{ "recipient_bcc_maps", N_("relais sends no copies") },
	{ "header_checks", N_("relais repairs headers by rules of its own") },
	{ "smtp_header_checks",
	    N_("relais repairs headers by rules of its own") },
	{ "content_filter", N_("relais has no filters") },
	{ "smtpd_milters", N_("relais has no filters; the provider signs") },
	{ "non_smtpd_milters",
	    N_("relais has no filters; the provider signs") },
	{ "smtp_bind_address", N_("the system chooses the address") },
	{ "smtp_tls_fingerprint_cert_match",
	    N_("it may be of the certificate; tls_pin of relais is of the "
	       "key") },
	{ "smtp_tls_policy_maps", N_("relais always demands verified TLS") },
	{ "virtual_mailbox_domains", N_("relais keeps no mailboxes") },
};

static bool
is_only_local(const char *list)
{
	struct bytes rest = bytes_str(list);

	while (rest.n > 0) {
		struct bytes one = import_word(&rest, ", \t");

		if (one.n > 0 && !bytes_has_prefix_nocase(one, "127.") &&
		    !bytes_has_prefix_nocase(one, "[::") &&
		    !bytes_eq(one, "loopback-only") &&
		    !bytes_eq(one, "localhost") && !bytes_eq(one, "host"))
			return false;
	}
	return true;
}

static void
take_rest(struct reading *rd)
{
	const char *helo = get_parameter(rd, "smtp_helo_name");
	const char *own = get_parameter(
	    rd, "myhostname"); /* which helo is by default */
	const char *size = get_parameter(rd, "message_size_limit");
	const char *aliases = get_parameter(rd, "alias_maps");
	const char *nets = get_parameter(rd, "mynetworks");
	const char *path = aliases != NULL ? strchr(aliases, ':') : NULL;

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		if (get_parameter(rd, lost[i].name) != NULL)
			import_note(rd->im, rd->file, 0, "%s = %s: %s",
			    lost[i].name, get_parameter(rd, lost[i].name),
			    lost[i].why);
	if (helo != NULL && strchr(helo, '.') != NULL &&
	    !str_eq_nocase(helo, own))
		import_sets(rd->im->relais, "hostname", helo);
	if (size != NULL && strcmp(size, "0") != 0 &&
	    strcmp(size, "10240000") != 0)
		import_sets(rd->im->relais, "max_size", size);
	if (path != NULL && strpbrk(path, ", \t") == NULL &&
	    strcmp(path, ":/etc/aliases") != 0 && path[1] == '/')
		import_sets(rd->im->relais, "aliases", path + 1);
	if (nets != NULL && !is_only_local(nets) &&
	    !is_only_local(get_parameter(rd, "inet_interfaces") != NULL
			       ? get_parameter(rd, "inet_interfaces")
			       : "all"))
		import_note(rd->im, rd->file, 0,
		    "Postfix took mail from %s; for relais, add a section "
		    "[listen lan] with address and allow_from",
		    nets);
}

static void
take_all(struct reading *rd)
{
	const char *relayhost = get_parameter(rd, "relayhost");

	if (relayhost == NULL &&
	    get_parameter(rd, "sender_dependent_relayhost_maps") == NULL) {
		import_refuse(rd->im,
		    "%s has no relayhost: this Postfix sends to every server "
		    "itself; use relais setup",
		    rd->file);
		return;
	}
	if (relayhost != NULL)
		IGNORE(add_account(rd, NULL,
			   import_word(
			       &(struct bytes) { relayhost, strlen(relayhost) },
			       ", \t")) == NULL);
	read_maps(rd, "sender_dependent_relayhost_maps", take_sender_relay, rd);
	read_maps(rd, "sender_canonical_maps", take_sender, rd);
	read_maps(rd, "canonical_maps", take_sender, rd);
	read_maps(rd, "smtp_generic_maps", take_sender, rd);
	take_rest(rd);
}

static void
parse_postfix(struct import *im, const char *file)
{
	const char *slash = strrchr(file, '/');
	struct reading rd = { .im = im,
		.file = file,
		.dir = slash != NULL ? xstrndup(file, (size_t)(slash - file))
				     : xstrdup("."),
		.values = xcalloc(1, sizeof(*rd.values)) };
	struct import_text t;

	if (read_with_postconf(&rd)) {
		expand_all(&rd);
		take_all(&rd);
	} else if (import_open(im, file, &t)) {
		read_main(&rd, &t);
		import_close(&t);
		expand_all(&rd);
		take_all(&rd);
	} else {
		import_refuse(im, "%s cannot be read", file);
	}
	import_account_free(rd.values);
	free(rd.dir);
}

static const char *const places[] = { "/etc/postfix/main.cf", NULL };
static const char *const spools[] = { "/var/spool/postfix/deferred",
	"/var/spool/postfix/incoming", "/var/spool/postfix/active",
	"/var/spool/postfix/maildrop", "/var/spool/postfix/hold", NULL };

const struct import_program import_postfix = { "postfix", places, parse_postfix,
	spools, "*", "postqueue -f", "systemctl disable --now postfix" };
