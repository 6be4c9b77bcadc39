/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dma: dma.conf, and auth.conf where AUTHPATH says.
 *
 *	dma.conf  = *( NAME [ 1*blank VALUE ] [ "#" comment ] )
 *	auth.conf = *( comment / LOGIN "|" HOST ( ":" / blank ) SECRET )
 *
 * In dma.conf a "#" cuts the line anywhere; in auth.conf it is a comment only
 * at the beginning, because a secret may hold one. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

struct reading {
	struct import *im;
	struct import_account *a;
	const char *file;
	int line; /* where it is, for notes */
	char *auth; /* path of auth.conf, or NULL */
	bool has_tls, has_starttls, verifies;
	bool is_found; /* the login */
};

/* --- dma.conf ------------------------------------------------------------- */

static void
take_host(struct reading *rd, struct bytes value)
{
	import_set(rd->a, "host", value);
}

static void
take_port(struct reading *rd, struct bytes value)
{
	rd->a->port = import_port(value);
}

static void
take_auth_path(struct reading *rd, struct bytes value)
{
	free(rd->auth);
	rd->auth = xstrndup(value.p, value.n);
}

static void
take_masquerade(struct reading *rd, struct bytes value)
{
	struct bytes host = value, user = bytes_cut(&host, '@');

	if (user.n < value.n && user.n > 0 && host.n > 0) {
		import_set(rd->a, "address", value);
		import_sets(rd->a, "identity", "force");
		return;
	}
	import_note(rd->im, rd->file, rd->line,
	    "MASQUERADE %.*s: the sender is the address of the account",
	    (int)value.n, value.p);
}

/* A name, or the path of a file with one. */
static void
take_name(struct reading *rd, struct bytes value)
{
	char *path = xstrndup(value.p, value.n);
	struct buf line;

	buf_init(&line, IMPORT_TEXT_MAX);
	if (value.p[0] == '/')
		value = import_first_line(rd->im, path, &line)
			    ? buf_bytes(&line)
			    : bytes_str("");
	if (memchr(value.p, '.', value.n) != NULL)
		import_set(rd->im->relais, "hostname", value);
	buf_wipe(&line);
	free(path);
}

static void
take_cert(struct reading *rd, struct bytes value)
{
	import_set(rd->a, "tls_cert", value);
	import_set(rd->a, "tls_key", value);
}

static void
take_aliases(struct reading *rd, struct bytes value)
{
	if (!bytes_eq(value, "/etc/aliases"))
		import_set(rd->im->relais, "aliases", value);
}

static void
take_fingerprint(struct reading *rd, struct bytes value)
{
	(void)value;
	import_note(rd->im, rd->file, rd->line,
	    "FINGERPRINT is of the certificate; tls_pin of relais is of the "
	    "key and survives a renewal");
}

static void
take_tls(struct reading *rd, struct bytes value)
{
	(void)value;
	rd->has_tls = true;
}

static void
take_starttls(struct reading *rd, struct bytes value)
{
	(void)value;
	rd->has_starttls = true;
}

static void
take_verify(struct reading *rd, struct bytes value)
{
	(void)value;
	rd->verifies = true;
}

static void
take_defer(struct reading *rd, struct bytes value)
{
	(void)value;
	import_note(rd->im, rd->file, rd->line,
	    "DEFER: relais sends at once; \"relais hold\" keeps mail back");
}

static void
take_nothing(struct reading *rd, struct bytes value)
{
	(void)rd;
	(void)value;
}

static const struct {
	const char *name;
	bool is_flag; /* stands alone; what stands behind it is nothing */
	void (*take)(struct reading *rd, struct bytes value);
} keys[] = {
	{ "SMARTHOST", false, take_host },
	{ "PORT", false, take_port },
	{ "AUTHPATH", false, take_auth_path },
	{ "MASQUERADE", false, take_masquerade },
	{ "MAILNAME", false, take_name },
	{ "CERTFILE", false, take_cert },
	{ "ALIASES", false, take_aliases },
	{ "FINGERPRINT", false, take_fingerprint },
	{ "SPOOLDIR", false, take_nothing },
	{ "SECURETRANSFER", true, take_tls },
	{ "SECURETRANS", true, take_tls },
	{ "STARTTLS", true, take_starttls },
	{ "OPPORTUNISTIC_TLS", true, take_starttls },
	{ "VERIFYCERT", true, take_verify },
	{ "DEFER", true, take_defer },
	{ "NULLCLIENT", true, take_nothing },
	{ "INSECURE", true, take_nothing },
	{ "FULLBOUNCE", true, take_nothing },
};

static void
take_line(void *ctx, struct bytes line, const struct import_text *at)
{
	struct reading *rd = ctx;
	struct bytes value = bytes_trim(bytes_cut(&line, '#'));
	struct bytes name = import_word(&value, " \t");

	rd->line = at->line;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (bytes_eq(name, keys[i].name)) {
			if (keys[i].is_flag || value.n > 0)
				keys[i].take(rd, value);
			return;
		}
	if (value.n > 0)
		import_note(rd->im, rd->file, rd->line,
		    "%.*s: relais does not know it", (int)name.n, name.p);
}

/* --- auth.conf ------------------------------------------------------------ */

/* Of what separates host and secret, dma takes away one character. */
static struct bytes
cut_server(struct bytes *rest)
{
	struct bytes server = { rest->p, 0 };

	while (
	    server.n < rest->n && memchr(": \t", rest->p[server.n], 3) == NULL)
		server.n++;
	*rest = server.n < rest->n
		    ? bytes_of(rest->p + server.n + 1, rest->n - server.n - 1)
		    : bytes_of(rest->p, 0);
	return server;
}

/* The first line for this host counts, as dma has it. */
static void
take_login(void *ctx, struct bytes line, const struct import_text *at)
{
	struct reading *rd = ctx;
	struct bytes user = bytes_cut(&line, '|'), server = cut_server(&line);

	if (rd->is_found || !import_is(server, import_get(rd->a, "host")))
		return;
	import_set(rd->a, "user", user);
	import_secret(rd->a, line, at->file, at->line);
	rd->is_found = true;
}

static void
finish_account(struct reading *rd)
{
	if (rd->has_tls)
		rd->a->tls = rd->has_starttls ? IMPORT_TLS_STARTTLS
					      : IMPORT_TLS_IMPLICIT;
	if (rd->has_tls && !rd->verifies)
		import_note(rd->im, NULL, 0,
		    "dma did not verify the server's certificate; relais "
		    "verifies it");
	if (import_get(rd->a, "host") == NULL)
		import_refuse(rd->im,
		    "%s names no SMARTHOST: dma sends to every server itself",
		    rd->file);
}

static void
parse_dma(struct import *im, const char *file)
{
	struct reading rd = {
		.im = im, .a = import_account_add(im, NULL), .file = file
	};

	if (!import_main_file(im, file, take_line, &rd))
		return;
	if (rd.auth != NULL && !import_each_line(im, rd.auth, take_login, &rd))
		import_note(im, rd.auth, 0, "it cannot be read");
	finish_account(&rd);
	free(rd.auth);
}

static const char *const places[] = { "/etc/dma/dma.conf", NULL };
static const char *const spools[] = { "/var/spool/dma", NULL };

const struct import_program import_dma = { "dma", places, parse_dma, spools,
	"M*", "dma -q", "apt-get remove dma" };
