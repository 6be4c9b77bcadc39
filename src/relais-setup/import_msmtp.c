/* SPDX-License-Identifier: GPL-3.0-or-later */
/* msmtp 1.8.
 *
 *   file    = *( comment / "defaults" / "eval" COMMAND / key [ value ]
 *             / "account" NAME [ ":" NAME *( "," NAME ) ] )
 *   comment = *blank "#" *any
 *
 * A value is the whole rest of the line: nothing behind it is a comment.  It
 * loses its quotes only if it has them at both ends. */
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

/* What one account says, as msmtp has it: inherited as a whole. */
struct section {
	char *name; /* NULL: the defaults, which are v[0] */
	struct import_account *values; /* keys of msmtp; the secret */
	int line;
	char *base; /* the last account it inherits from, or NULL */
};

struct reading {
	struct import *im;
	const char *file;
	struct section *v;
	size_t n;
	size_t now; /* the section that the next line is about */
};

/* What becomes of a command. */
enum action {
	KEEP, /* looked at when the account is complete */
	SILENT, /* relais does so anyway, or it changes no mail */
	LOST
};

static const struct {
	const char *name;
	enum action action;
	const char *why; /* LOST: "NAME VALUE: why" */
} commands[] = {
	{ "host", KEEP, NULL },
	{ "port", KEEP, NULL },
	{ "domain", KEEP, NULL },
	{ "from", KEEP, NULL },
	{ "from_full_name", KEEP, NULL },
	{ "allow_from_override", KEEP, NULL },
	{ "auth", KEEP, NULL },
	{ "user", KEEP, NULL },
	{ "tls", KEEP, NULL },
	{ "tls_starttls", KEEP, NULL },
	{ "tls_trust_file", KEEP, NULL },
	{ "tls_cert_file", KEEP, NULL },
	{ "tls_key_file", KEEP, NULL },
	{ "tls_certcheck", KEEP, NULL },
	{ "aliases", KEEP, NULL },
	{ "protocol", KEEP, NULL },
	{ "timeout", SILENT, NULL },
	{ "connect_timeout", SILENT, NULL },
	{ "syslog", SILENT, NULL },
	{ "logfile", SILENT, NULL },
	{ "logfile_time_format", SILENT, NULL },
	{ "set_from_header", SILENT, NULL },
	{ "set_date_header", SILENT, NULL },
	{ "set_msgid_header", SILENT, NULL },
	{ "add_missing_from_header", SILENT, NULL },
	{ "add_missing_date_header", SILENT, NULL },
	{ "read_envelope_from", SILENT, NULL },
	{ "tls_priorities", SILENT, NULL },
	{ "tls_min_dh_prime_bits", SILENT, NULL },
	{ "tls_force_sslv3", SILENT, NULL },
	{ "tls_crl_file", LOST,
	    N_("relais reads no lists of revoked certificates") },
	{ "tls_fingerprint", LOST,
	    N_("it is of the certificate; tls_pin of relais is of the key and "
	       "survives a renewal") },
	{ "tls_host_override", LOST, N_("the certificate must name the host") },
	{ "ntlmdomain", LOST, N_("relais has no NTLM") },
	{ "source_ip", LOST, N_("the system chooses the address") },
	{ "proxy_host", LOST, N_("relais connects without a proxy") },
	{ "proxy_port", SILENT, NULL },
	{ "socket", LOST, N_("relais connects by TCP") },
	{ "dsn_notify", LOST, N_("sendmail -N asks for it, for each message") },
	{ "dsn_return", LOST, N_("sendmail -R asks for it, for each message") },
	{ "remove_bcc_headers", KEEP, NULL },
	{ "undisclosed_recipients", LOST,
	    N_("relais leaves To and Cc as they are") },
	{ "set_to_header", LOST, N_("relais leaves To as it is") },
	{ "auto_from", LOST, N_("the sender is the address of the account") },
	{ "maildomain", LOST, N_("the sender is the address of the account") },
};

static bool
is_in(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static void
section_add(struct reading *rd, const char *name, size_t n, int line)
{
	rd->v = xrealloc(rd->v, rd->n + 1, sizeof(*rd->v));
	rd->v[rd->n] = (struct section) { .line = line,
		.name = name != NULL ? xstrndup(name, n) : NULL,
		.values = xcalloc(1, sizeof(*rd->v->values)) };
	rd->now = rd->n++;
}

static void
inherit(struct section *s, const struct section *from)
{
	for (size_t i = 0; i < from->values->n; i++)
		import_sets(s->values, from->values->v[i].key,
		    from->values->v[i].value);
	if (from->values->secret_kind == IMPORT_SECRET_NONE)
		return;
	secret_free(s->values->secret);
	free(s->values->secret_from);
	s->values->secret = secret_dup(from->values->secret);
	s->values->secret_kind = from->values->secret_kind;
	s->values->secret_from = xstrdup(from->values->secret_from);
}

static const struct section *
section_find(const struct reading *rd, struct bytes name)
{
	for (size_t i = rd->n; i-- > 0;)
		if (rd->v[i].name != NULL && bytes_eq(name, rd->v[i].name))
			return &rd->v[i];
	return NULL;
}

static void
begin_account(struct reading *rd, struct bytes bases, int line)
{
	struct bytes name = bytes_trim(bytes_cut(&bases, ':'));

	section_add(rd, name.p, name.n, line);
	inherit(&rd->v[rd->now], &rd->v[0]);
	while (bases.n > 0) {
		struct bytes base = bytes_trim(bytes_cut(&bases, ','));
		const struct section *from = section_find(rd, base);

		if (from == NULL || from == &rd->v[rd->now]) {
			import_note(rd->im, rd->file, line,
			    "account %.*s does not stand above", (int)base.n,
			    base.p);
			continue;
		}
		inherit(&rd->v[rd->now], from);
		free(rd->v[rd->now].base);
		rd->v[rd->now].base = xstrdup(from->name);
	}
}

/* "-n", "-ne": one word of an echo that is not printed. */
static bool
is_echo_option(struct bytes word)
{
	if (word.n < 2 || word.p[0] != '-')
		return false;
	for (size_t i = 1; i < word.n; i++)
		if (strchr("neE", word.p[i]) == NULL)
			return false;
	return true;
}

/* "echo WORD", which needs no shell: the secret is here in clear, so it is
 * neither run nor shown.  before is what echo prints first. */
static bool
is_echo(struct bytes command, const char *before, struct bytes *ret_word)
{
	struct bytes rest = bytes_trim(command), next;
	size_t n = strlen(before);

	if (!bytes_eq(import_word(&rest, " \t"), "echo"))
		return false;
	for (next = rest; is_echo_option(import_word(&next, " \t"));)
		rest = next;
	if (rest.n >= 2 && (rest.p[0] == '\'' || rest.p[0] == '"') &&
	    rest.p[rest.n - 1] == rest.p[0])
		rest = bytes_of(rest.p + 1, rest.n - 2);
	if (rest.n <= n || memcmp(rest.p, before, n) != 0)
		return false;
	rest = bytes_trim(bytes_of(rest.p + n, rest.n - n));
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '\0' ||
		    strchr("$`\\|<>;&'\"(){}", rest.p[i]) != NULL)
			return false;
	*ret_word = rest;
	return true;
}

/* What it prints is a line of the file, of which only a password is worth
 * running a command for each time. */
static void
take_eval(struct reading *rd, struct section *s, struct bytes command, int line)
{
	struct bytes word;
	char *text, *all;

	if (is_echo(command, "password ", &word)) {
		import_secret(s->values, word, rd->file, line);
		return;
	}
	text = xstrndup(command.p, command.n);
	if (strstr(text, "password") != NULL) {
		all = xasprintf("( %s ) | sed 's/^ *password *//'", text);
		import_command(s->values, bytes_str(all), rd->file, line);
		free(all);
	}
	import_note(rd->im, rd->file, line,
	    "eval was not run: %s; if it prints another setting than the "
	    "password, that setting is missing",
	    text);
	free(text);
}

static void
take_passwordeval(
    struct reading *rd, struct section *s, struct bytes command, int line)
{
	struct bytes word;

	if (is_echo(command, "", &word))
		import_secret(s->values, word, rd->file, line);
	else
		import_command(s->values, command, rd->file, line);
}

static void
take_command(struct reading *rd, struct bytes key, struct bytes value, int line)
{
	struct section *s = &rd->v[rd->now];
	char *name = xstrndup(key.p, key.n);

	if (strcmp(name, "password") == 0) {
		import_secret(s->values, value, rd->file, line);
	} else if (strcmp(name, "passwordeval") == 0) {
		take_passwordeval(rd, s, value, line);
	} else if (strcmp(name, "eval") == 0) {
		take_eval(rd, s, value, line);
	} else if (strcmp(name, "tls_nocertcheck") == 0) {
		import_sets(s->values, "tls_certcheck", "off");
	} else if (strcmp(name, "tls_nostarttls") == 0) {
		import_sets(s->values, "tls_starttls", "off");
	} else if (strcmp(name, "keepbcc") == 0) {
		import_sets(s->values, "remove_bcc_headers", "off");
	} else {
		size_t i = 0;

		while (i < sizeof(commands) / sizeof(commands[0]) &&
		       strcmp(commands[i].name, name) != 0)
			i++;
		if (i == sizeof(commands) / sizeof(commands[0]))
			import_note(rd->im, rd->file, line,
			    "%s: relais does not know it", name);
		else if (commands[i].action == LOST &&
			 !bytes_eq(value, "off") && value.n > 0)
			import_note(rd->im, rd->file, line, "%s %.*s: %s", name,
			    (int)value.n, value.p, commands[i].why);
		else if (commands[i].action == KEEP)
			import_set(s->values, name,
			    value.n > 0 ? value : bytes_str("on"));
	}
	free(name);
}

static void
take_line(void *ctx, struct bytes line, const struct import_text *at)
{
	struct reading *rd = ctx;
	struct bytes value = line, key = import_word(&value, " \t");

	value = import_unquoted(value, "\"");
	if (bytes_eq(key, "defaults"))
		rd->now = 0;
	else if (bytes_eq(key, "account"))
		begin_account(rd, value, at->line);
	else
		take_command(rd, key, value, at->line);
}

/* --- the secret that is not in the file ----------------------------------- */

/* What netrc says so far. */
struct netrc {
	struct import_account *a; /* whose secret is looked for */
	char *host, *user; /* of the lines before; or NULL */
	bool is_found;
};

static void
netrc_set(char **to, struct bytes value)
{
	free(*to);
	*to = value.n > 0 ? xstrndup(value.p, value.n) : NULL;
}

/* machine HOST login USER password SECRET, in this order or another, on one
 * line or several. */
static void
take_netrc(void *ctx, struct bytes line, const struct import_text *at)
{
	struct netrc *rc = ctx;
	struct bytes secret = { NULL, 0 };

	while (line.n > 0 && line.p[0] != '#') {
		struct bytes key = import_word(&line, " \t"), value;

		if (bytes_eq(key, "default"))
			continue;
		value = import_unquoted(import_word(&line, " \t"), "\"");
		if (bytes_eq(key, "machine")) {
			netrc_set(&rc->host, value);
			netrc_set(&rc->user, (struct bytes) { NULL, 0 });
		} else if (bytes_eq(key, "login")) {
			netrc_set(&rc->user, value);
		} else if (bytes_eq(key, "password")) {
			secret = value;
		}
	}
	if (rc->is_found || secret.n == 0 ||
	    !str_eq_nocase(rc->host, import_get(rc->a, "host")) ||
	    (rc->user != NULL && !str_eq(rc->user, import_get(rc->a, "user"))))
		return;
	import_secret(rc->a, secret, at->file, at->line);
	rc->is_found = true;
}

static bool
find_in_netrc(struct reading *rd, struct import_account *a, const char *file)
{
	struct netrc rc = { .a = a };

	IGNORE(!import_each_line(rd->im, file, take_netrc, &rc));
	free(rc.host);
	free(rc.user);
	return rc.is_found;
}

static void
find_secret(struct reading *rd, struct import_account *a)
{
	if (a->secret_kind != IMPORT_SECRET_NONE ||
	    find_in_netrc(rd, a, "~/.netrc") ||
	    find_in_netrc(rd, a, "/etc/netrc"))
		return;
	/* As msmtp: where nothing is written down, it asks the keyring.  A
	 * machine's configuration has none. */
	if (rd->im->files->home != NULL && strncmp(rd->file, "/etc/", 5) != 0) {
		a->secret_kind = IMPORT_SECRET_KEYRING;
		a->secret_from = xstrdup("the keyring");
	}
}

/* --- an account of relais ------------------------------------------------- */

static bool
is_on(const struct import_account *values, const char *key, bool by_default)
{
	const char *value = import_get(values, key);

	return value == NULL ? by_default : strcmp(value, "off") != 0;
}

static void
copy_setting(struct import_account *to, const struct import_account *from,
    const char *key, const char *as)
{
	const char *value = import_get(from, key);

	if (value != NULL)
		import_sets(to, as, value);
}

static void
set_login(struct reading *rd, struct import_account *a, const struct section *s)
{
	static const char *const named[] = { "external", "xoauth2",
		"oauthbearer", NULL };
	static const char *const unknown[] = { "ntlm", "gssapi", "digest-md5",
		NULL };
	const char *auth = import_get(s->values, "auth");
	const char *user = import_get(s->values, "user");

	if (auth == NULL || strcmp(auth, "off") == 0) {
		if (user != NULL)
			import_note(rd->im, rd->file, s->line,
			    "account %s: auth is off, so msmtp did not log in "
			    "as %s",
			    s->name, user);
		return;
	}
	if (is_in(auth, unknown))
		import_note(rd->im, rd->file, s->line,
		    "account %s: relais has no auth %s, and uses what the "
		    "server offers",
		    s->name, auth);
	if (is_in(auth, named))
		import_sets(a, "auth", auth);
	copy_setting(a, s->values, "user", "user");
	a->secret_kind = s->values->secret_kind;
	a->secret = secret_dup(s->values->secret);
	a->secret_from = xstrdup(s->values->secret_from);
	copy_setting(a, s->values, "password_command", "password_command");
	if (user != NULL)
		find_secret(rd, a);
}

static void
set_tls(struct reading *rd, struct import_account *a, const struct section *s)
{
	const char *trust = import_get(s->values, "tls_trust_file");

	if (is_on(s->values, "tls", false))
		a->tls = is_on(s->values, "tls_starttls", true)
			     ? IMPORT_TLS_STARTTLS
			     : IMPORT_TLS_IMPLICIT;
	if (trust != NULL && strcmp(trust, "system") != 0 &&
	    strcmp(trust, "off") != 0 &&
	    strcmp(trust, "/etc/ssl/certs/ca-certificates.crt") != 0)
		import_sets(a, "tls_ca_file", trust);
	copy_setting(a, s->values, "tls_cert_file", "tls_cert");
	copy_setting(a, s->values, "tls_key_file", "tls_key");
	if (a->tls != IMPORT_TLS_CLEAR &&
	    !is_on(s->values, "tls_certcheck", true))
		import_note(rd->im, rd->file, s->line,
		    "account %s: its certificate was not verified; relais "
		    "verifies it",
		    s->name);
}

/* A "from" with a pattern or a "%" is none to send as. */
static void
set_sender(struct reading *rd, struct import_account *a,
    const struct section *s, bool is_default)
{
	const char *from = import_get(s->values, "from");

	copy_setting(a, s->values, "from_full_name", "full_name");
	if (from != NULL && strchr(from, '%') != NULL) {
		import_note(rd->im, rd->file, s->line,
		    "account %s: from %s: the sender is the address of the "
		    "account",
		    s->name, from);
	} else if (from != NULL) {
		bool is_pattern = strpbrk(from, "*?[") != NULL;

		import_sets(
		    a, is_pattern ? "allowed_senders" : "address", from);
		if (!is_default)
			import_sets(a, "senders", from);
		if (!is_on(s->values, "allow_from_override", true))
			import_sets(a, "identity", "force");
	}
	if (!is_default && import_get(a, "senders") == NULL)
		import_note(rd->im, rd->file, s->line,
		    "account %s was chosen with -a; relais chooses by sender, "
		    "recipient or user: set senders, recipients or users there",
		    s->name);
}

static void
add_account(struct reading *rd, const struct section *s, bool is_default)
{
	struct import_account *a = import_account_add(rd->im, s->name);
	const char *domain = import_get(s->values, "domain");
	const char *aliases = import_get(s->values, "aliases");
	const char *port = import_get(s->values, "port");

	copy_setting(a, s->values, "host", "host");
	if (port != NULL)
		a->port = import_port(bytes_str(port));
	set_tls(rd, a, s);
	set_login(rd, a, s);
	set_sender(rd, a, s, is_default);
	if (domain != NULL && strchr(domain, '.') != NULL)
		import_sets(rd->im->relais, "hostname", domain);
	if (aliases != NULL && strcmp(aliases, "/etc/aliases") != 0)
		import_sets(rd->im->relais, "aliases", aliases);
	if (!is_on(s->values, "remove_bcc_headers", true))
		import_note(rd->im, rd->file, s->line,
		    "account %s: Bcc was kept in the messages; relais removes "
		    "it",
		    s->name);
}

/* The account that is used without -a; without one, there was only one to
 * choose. */
static struct section *
find_default(const struct reading *rd)
{
	for (size_t i = 1; i < rd->n; i++)
		if (strcmp(rd->v[i].name, "default") == 0)
			return &rd->v[i];
	return rd->n > 1 ? &rd->v[1] : NULL;
}

/* "account default : work" is work under another name, although a setting like
 * aliases may follow. */
static bool
is_other_name(const struct section *dflt, const struct section *s)
{
	static const char *const keys[] = { "host", "user", "from" };

	if (dflt->base == NULL || strcmp(dflt->base, s->name) != 0)
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!str_eq(import_get(dflt->values, keys[i]),
			import_get(s->values, keys[i])))
			return false;
	return true;
}

static void
add_accounts(struct reading *rd)
{
	struct section *dflt = find_default(rd);

	if (dflt == NULL)
		return;
	for (size_t i = 1; i < rd->n; i++)
		if (&rd->v[i] != dflt && is_other_name(dflt, &rd->v[i])) {
			free(dflt->name);
			dflt->name = xstrdup(rd->v[i].name);
		}
	add_account(rd, dflt, true);
	for (size_t i = 1; i < rd->n; i++) {
		const struct section *s = &rd->v[i];

		if (strcmp(s->name, dflt->name) == 0)
			continue;
		if (str_eq(import_get(s->values, "protocol"), "lmtp"))
			import_note(rd->im, rd->file, s->line,
			    "account %s speaks LMTP, which relais does not",
			    s->name);
		else
			add_account(rd, s, false);
	}
}

static void
section_clear(struct section *s)
{
	free(s->name);
	free(s->base);
	import_account_free(s->values);
}

static void
parse_msmtp(struct import *im, const char *file)
{
	struct reading rd = { .im = im, .file = file };

	section_add(&rd, NULL, 0, 0);
	if (import_main_file(im, file, take_line, &rd))
		add_accounts(&rd);
	for (size_t i = 0; i < rd.n; i++)
		section_clear(&rd.v[i]);
	free(rd.v);
}

static const char *const places[] = { "~/.msmtprc", "~/.config/msmtp/config",
	"/etc/msmtprc", NULL };
static const char *const spools[] = { "~/.msmtpqueue", "~/.msmtp.queue",
	"~/.local/share/mail.queue", NULL };

const struct import_program import_msmtp = { "msmtp", places, parse_msmtp,
	spools, "*.mail", "msmtp-queue -r", "apt-get remove msmtp-mta" };
