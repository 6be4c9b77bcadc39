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
	char *auth; /* path of auth.conf, or NULL */
	bool has_tls, has_starttls, is_opportunistic, verifies;
};

static void
take_masquerade(struct reading *rd, struct bytes value, int line)
{
	struct bytes host = value, user = bytes_cut(&host, '@');

	if (user.n < value.n && user.n > 0 && host.n > 0) {
		import_set(rd->a, "address", value);
		import_sets(rd->a, "identity", "force");
		return;
	}
	import_note(rd->im, rd->file, line,
	    "MASQUERADE %.*s: the sender is the address of the account",
	    (int)value.n, value.p);
}

/* A name, or the path of a file with one. */
static void
take_name(struct reading *rd, struct bytes value)
{
	struct import_text t;
	char *path;

	if (value.p[0] != '/') {
		if (memchr(value.p, '.', value.n) != NULL)
			import_set(rd->im->relais, "hostname", value);
		return;
	}
	path = xstrndup(value.p, value.n);
	if (import_open(rd->im, path, &t)) {
		if (import_line(&t, &value) &&
		    memchr(value.p, '.', value.n) != NULL)
			import_set(rd->im->relais, "hostname", value);
		import_close(&t);
	}
	free(path);
}

static void
take_value(struct reading *rd, struct bytes name, struct bytes value, int line)
{
	if (bytes_eq(name, "SMARTHOST")) {
		import_set(rd->a, "host", value);
	} else if (bytes_eq(name, "PORT")) {
		rd->a->port = import_port(value);
	} else if (bytes_eq(name, "AUTHPATH")) {
		free(rd->auth);
		rd->auth = xstrndup(value.p, value.n);
	} else if (bytes_eq(name, "MASQUERADE")) {
		take_masquerade(rd, value, line);
	} else if (bytes_eq(name, "MAILNAME")) {
		take_name(rd, value);
	} else if (bytes_eq(name, "CERTFILE")) {
		import_set(rd->a, "tls_cert", value);
		import_set(rd->a, "tls_key", value);
	} else if (bytes_eq(name, "ALIASES")) {
		if (!bytes_eq(value, "/etc/aliases"))
			import_set(rd->im->relais, "aliases", value);
	} else if (bytes_eq(name, "FINGERPRINT")) {
		import_note(rd->im, rd->file, line,
		    "FINGERPRINT is of the certificate; tls_pin of relais is "
		    "of the key and survives a renewal");
	} else if (!bytes_eq(name, "SPOOLDIR")) {
		import_note(rd->im, rd->file, line,
		    "%.*s: relais does not know it", (int)name.n, name.p);
	}
}

static void
take(struct reading *rd, struct bytes line, int number)
{
	struct bytes value = bytes_trim(bytes_cut(&line, '#')), name;

	if (value.n == 0)
		return;
	name = import_word(&value, " \t");
	if (bytes_eq(name, "SECURETRANSFER") || bytes_eq(name, "SECURETRANS"))
		rd->has_tls = true;
	else if (bytes_eq(name, "STARTTLS"))
		rd->has_starttls = true;
	else if (bytes_eq(name, "OPPORTUNISTIC_TLS"))
		rd->is_opportunistic = true;
	else if (bytes_eq(name, "VERIFYCERT"))
		rd->verifies = true;
	else if (bytes_eq(name, "DEFER"))
		import_note(rd->im, rd->file, number,
		    "DEFER: relais sends at once; \"relais hold\" keeps mail "
		    "back");
	else if (!bytes_eq(name, "NULLCLIENT") && !bytes_eq(name, "INSECURE") &&
		 !bytes_eq(name, "FULLBOUNCE") && value.n > 0)
		take_value(rd, name, value, number);
}

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

/* The line for this host; the first one, as dma has it. */
static void
read_auth(struct reading *rd)
{
	const char *host = import_get(rd->a, "host");
	struct import_text t;
	struct bytes line;

	if (rd->auth == NULL || host == NULL)
		return;
	if (!import_open(rd->im, rd->auth, &t)) {
		import_note(rd->im, rd->auth, 0, "it cannot be read");
		return;
	}
	while (import_line(&t, &line)) {
		struct bytes user, server;

		line = bytes_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		user = bytes_cut(&line, '|');
		server = cut_server(&line);
		if (!bytes_eq_nocase(server, host))
			continue;
		import_set(rd->a, "user", user);
		import_secret(rd->a, line, t.file, t.line);
		break;
	}
	import_close(&t);
}

static void
finish(struct reading *rd)
{
	if (rd->has_tls)
		rd->a->tls = rd->has_starttls || rd->is_opportunistic
				 ? IMPORT_TLS_STARTTLS
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
parse(struct import *im, const char *file)
{
	struct reading rd = {
		.im = im, .a = import_account_add(im, NULL), .file = file
	};
	struct import_text t;
	struct bytes line;

	if (!import_open(im, file, &t)) {
		import_refuse(im, "%s cannot be read", file);
		return;
	}
	while (import_line(&t, &line))
		take(&rd, line, t.line);
	import_close(&t);
	read_auth(&rd);
	finish(&rd);
	free(rd.auth);
}

static const char *const places[] = { "/etc/dma/dma.conf", NULL };
static const char *const spools[] = { "/var/spool/dma", NULL };

const struct import_program import_dma = { "dma", places, parse, spools, "M*",
	"dma -q", "apt-get remove dma" };
