/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssmtp 2.64: ssmtp.conf, and beside it revaliases.
 *
 *	ssmtp.conf = *( comment / key *blank "=" *blank value )
 *	revaliases = *( comment / USER ":" ADDRESS [ ":" HOST [ ":" PORT ] ] )
 *
 * Keys are in any case. */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

struct reading {
	struct import *im;
	struct import_account *a;
	const char *file;
	int line; /* where it is, for notes */
	bool has_tls, has_starttls;
	char *domain; /* RewriteDomain */
};

static void
take_host(struct reading *rd, struct bytes value)
{
	import_server(rd->a, value);
}

static void
take_port(struct reading *rd, struct bytes value)
{
	rd->a->port = import_port(value);
}

static void
take_root(struct reading *rd, struct bytes value)
{
	if (memchr(value.p, '@', value.n) != NULL)
		import_set(rd->im->relais, "admin", value);
}

static void
take_hostname(struct reading *rd, struct bytes value)
{
	if (memchr(value.p, '.', value.n) != NULL &&
	    memchr(value.p, '@', value.n) == NULL)
		import_set(rd->im->relais, "hostname", value);
}

static void
take_domain(struct reading *rd, struct bytes value)
{
	free(rd->domain);
	rd->domain = xstrndup(value.p, value.n);
}

static void
take_from_line(struct reading *rd, struct bytes value)
{
	import_sets(rd->a, "identity", import_is_yes(value) ? "keep" : "force");
}

static void
take_tls(struct reading *rd, struct bytes value)
{
	rd->has_tls = import_is_yes(value);
}

static void
take_starttls(struct reading *rd, struct bytes value)
{
	rd->has_starttls = import_is_yes(value);
}

static void
take_user(struct reading *rd, struct bytes value)
{
	import_set(rd->a, "user", value);
}

/* ssmtp took them as they are, so that nothing can have worked with them but a
 * password. */
static const char quotes[] = "'\"";

static void
take_secret(struct reading *rd, struct bytes value)
{
	if (memchr(value.p, '#', value.n) != NULL)
		import_note(rd->im, rd->file, rd->line,
		    "ssmtp cut AuthPass at \"#\"; relais takes all of it");
	if (import_unquoted(value, quotes).n < value.n)
		import_note(rd->im, rd->file, rd->line,
		    "the quotes of AuthPass are part of it, as they were for "
		    "ssmtp");
	import_secret(rd->a, value, rd->file, rd->line);
}

static void
take_ca(struct reading *rd, struct bytes value)
{
	if (!bytes_eq(value, "/etc/ssl/certs/ca-certificates.crt"))
		import_set(rd->a, "tls_ca_file", value);
}

static void
take_cert(struct reading *rd, struct bytes value)
{
	import_set(rd->a, "tls_cert", value);
}

static void
take_key(struct reading *rd, struct bytes value)
{
	import_set(rd->a, "tls_key", value);
}

static void
take_nothing(struct reading *rd, struct bytes value)
{
	(void)rd;
	(void)value;
}

static const struct {
	const char *name;
	void (*take)(struct reading *rd, struct bytes value);
} keys[] = {
	{ "Root", take_root },
	{ "MailHub", take_host },
	{ "RemotePort", take_port },
	{ "HostName", take_hostname },
	{ "RewriteDomain", take_domain },
	{ "FromLineOverride", take_from_line },
	{ "UseTLS", take_tls },
	{ "UseSTARTTLS", take_starttls },
	{ "UseTLSCert", take_nothing },
	{ "TLSCert", take_cert },
	{ "TLSKey", take_key },
	{ "TLS_CA_File", take_ca },
	{ "TLS_CA_Dir", take_nothing },
	{ "AuthUser", take_user },
	{ "AuthPass", take_secret },
	{ "AuthMethod", take_nothing },
	{ "UseOldAUTH", take_nothing },
	{ "Debug", take_nothing },
};

/* Behind a blank, "#" begins a comment; in the middle of a word it is part of
 * it. */
static struct bytes
without_comment(struct bytes value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '#' &&
		    (i == 0 || ascii_is_wsp(value.p[i - 1])))
			return bytes_trim(bytes_of(value.p, i));
	return value;
}

static void
take_line(void *ctx, struct bytes line, const struct import_text *at)
{
	struct reading *rd = ctx;
	struct bytes value = line, key = bytes_trim(bytes_cut(&value, '='));

	rd->line = at->line;
	value = without_comment(bytes_trim(value));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (bytes_eq_nocase(key, keys[i].name)) {
			if (keys[i].take != take_secret)
				value = bytes_trim(
				    import_unquoted(value, quotes));
			if (value.n > 0)
				keys[i].take(rd, value);
			return;
		}
	import_note(rd->im, rd->file, rd->line, "%.*s: relais does not know it",
	    (int)key.n, key.p);
}

/* root:jane@gmail.com:smtp.gmail.com:587 */
static void
take_alias(void *ctx, struct bytes line, const struct import_text *at)
{
	const struct reading *rd = ctx;
	struct bytes user = bytes_trim(bytes_cut(&line, ':'));
	struct bytes address = bytes_trim(bytes_cut(&line, ':'));
	struct bytes host = bytes_trim(bytes_cut(&line, ':'));

	if (host.n > 0 && !import_is(host, import_get(rd->a, "host")))
		import_note(rd->im, at->file, at->line,
		    "%.*s had a server of its own, %.*s: add an account with "
		    "users = %.*s for it",
		    (int)user.n, user.p, (int)host.n, host.p, (int)user.n,
		    user.p);
	else
		import_sender(rd->im, user, address);
}

/* Without FromLineOverride, ssmtp wrote From itself: USER@RewriteDomain. */
static void
finish_account(struct reading *rd)
{
	const char *user = import_get(rd->a, "user");
	const char *at = user != NULL ? strchr(user, '@') : NULL;

	rd->a->tls = rd->has_starttls ? IMPORT_TLS_STARTTLS
		     : rd->has_tls    ? IMPORT_TLS_IMPLICIT
				      : IMPORT_TLS_CLEAR;
	if (rd->has_tls || rd->has_starttls)
		import_note(rd->im, NULL, 0,
		    "ssmtp did not verify the server's certificate; relais "
		    "verifies it");
	if (rd->domain != NULL &&
	    !(at != NULL && str_eq_nocase(at + 1, rd->domain)))
		import_note(rd->im, NULL, 0,
		    "RewriteDomain=%s made USER@%s of every sender; the sender "
		    "is the address of the account",
		    rd->domain, rd->domain);
}

static void
parse_ssmtp(struct import *im, const char *file)
{
	struct reading rd = {
		.im = im, .a = import_account_add(im, NULL), .file = file
	};
	char *aliases = import_beside(file, "revaliases");

	import_sets(rd.a, "identity", "force");
	if (import_main_file(im, file, take_line, &rd)) {
		IGNORE(!import_each_line(im, aliases, take_alias, &rd));
		finish_account(&rd);
	}
	free(rd.domain);
	free(aliases);
}

static const char *const places[] = { "/etc/ssmtp/ssmtp.conf", NULL };
static const char *const spools[] = { NULL };

const struct import_program import_ssmtp = { "ssmtp", places, parse_ssmtp,
	spools, "*", NULL, "apt-get remove ssmtp" };
