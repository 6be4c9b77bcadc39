/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exim as Debian configures it: update-exim4.conf.conf, and beside it
 * passwd.client and exim4.conf.localmacros; /etc/email-addresses.
 *
 *   update-exim4.conf.conf = *( comment / NAME "=" [ quote ] VALUE [ quote ] )
 *   passwd.client          = *( comment / HOST ":" LOGIN ":" SECRET )
 *
 * A HOST may be "*", "*.domain" or a regular expression; the first that fits
 * the name at which the DNS ended is used.  The secret is the rest of the
 * line. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

struct reading {
	struct import *im;
	const char *file;
	char *type, *smarthosts; /* dc_eximconfig_configtype, dc_smarthost */
	bool is_smtps;
};

static bool
is_local_list(struct bytes list)
{
	while (list.n > 0) {
		struct bytes one = bytes_trim(import_word(&list, "; "));

		if (one.n > 0 && !bytes_has_prefix_nocase(one, "127.") &&
		    !bytes_eq(one, "::1"))
			return false;
	}
	return true;
}

static void
take_setting(
    struct reading *rd, struct bytes name, struct bytes value, int line)
{
	if (bytes_eq(name, "dc_eximconfig_configtype")) {
		free(rd->type);
		rd->type = xstrndup(value.p, value.n);
	} else if (bytes_eq(name, "dc_smarthost")) {
		free(rd->smarthosts);
		rd->smarthosts = xstrndup(value.p, value.n);
	} else if (bytes_eq(name, "dc_relay_nets") && value.n > 0) {
		import_note(rd->im, rd->file, line,
		    "Exim took mail from %.*s; for relais, add a section "
		    "[listen lan] with address and allow_from",
		    (int)value.n, value.p);
	} else if (bytes_eq(name, "dc_local_interfaces") &&
		   !is_local_list(value)) {
		import_note(rd->im, rd->file, line,
		    "Exim listened on %.*s; relais listens on localhost:25",
		    (int)value.n, value.p);
	} else if (bytes_eq(name, "dc_readhost") && value.n > 0) {
		import_note(rd->im, rd->file, line,
		    "Exim wrote local senders as USER@%.*s; with relais the "
		    "sender is the address of the account",
		    (int)value.n, value.p);
	} else if (bytes_eq(name, "dc_other_hostnames") &&
		   memchr(value.p, '.', value.n) != NULL) {
		import_note(rd->im, rd->file, line,
		    "Exim delivered mail for %.*s on this machine; relais "
		    "delivers none here: local names go to aliases and admin",
		    (int)value.n, value.p);
	}
}

static void
take_main(void *ctx, struct bytes line, const struct import_text *at)
{
	struct bytes value = line, name = bytes_cut(&value, '=');

	take_setting(
	    ctx, name, import_unquoted(bytes_trim(value), "'\""), at->line);
}

static void
take_macro(void *ctx, struct bytes line, const struct import_text *at)
{
	struct reading *rd = ctx;
	struct bytes value = line, name = bytes_trim(bytes_cut(&value, '='));

	if (bytes_eq(name, "REMOTE_SMTP_SMARTHOST_PROTOCOL"))
		rd->is_smtps = bytes_eq(bytes_trim(value), "smtps");
	else if (name.n > 0)
		import_note(rd->im, at->file, at->line,
		    "%.*s: relais does not know it", (int)name.n, name.p);
}

/* --- passwd.client -------------------------------------------------------- */

static bool
fits(struct bytes key, const char *host)
{
	char *pattern = xstrndup(key.p, key.n);
	bool is_fit = str_match(pattern, host);

	free(pattern);
	return is_fit;
}

static void
take_login(struct reading *rd, struct import_account *a, struct bytes key,
    struct bytes rest, const struct import_text *t)
{
	struct bytes user = bytes_cut(&rest, ':');

	if (!fits(key, import_get(a, "host")))
		import_note(rd->im, t->file, t->line,
		    "this login is for %.*s, and the smarthost is %s: Exim "
		    "looks for the name at which the DNS ended; see whether "
		    "they are one server",
		    (int)key.n, key.p, import_get(a, "host"));
	import_set(a, "user", user);
	import_secret(a, rest, t->file, t->line);
}

/* With is_any, a line for another name, if it is the only one. */
static bool
find_login(
    struct reading *rd, struct import_account *a, const char *path, bool is_any)
{
	const char *host = import_get(a, "host");
	struct import_text t;
	struct buf line;
	bool is_found = false;

	if (host == NULL || !import_open(rd->im, path, &t))
		return false;
	buf_init(&line, IMPORT_TEXT_MAX);
	while (!is_found && import_joined_line(&t, &line)) {
		struct bytes rest = buf_bytes(&line),
			     key = bytes_trim(bytes_cut(&rest, ':'));

		if (key.n > 0 && key.p[0] == '^') {
			import_note(rd->im, path, t.line,
			    "%.*s: relais does not try regular expressions",
			    (int)key.n, key.p);
			continue;
		}
		if (key.n == 0 || (!is_any && !fits(key, host)))
			continue;
		take_login(rd, a, key, rest, &t);
		is_found = true;
	}
	buf_wipe(&line);
	import_close(&t);
	return is_found;
}

static size_t
count_logins(struct reading *rd, const char *path)
{
	struct import_text t;
	struct buf line;
	size_t n = 0;

	if (!import_open(rd->im, path, &t))
		return 0;
	buf_init(&line, IMPORT_TEXT_MAX);
	while (import_joined_line(&t, &line))
		n += buf_str(&line)[0] != '^';
	buf_wipe(&line);
	import_close(&t);
	return n;
}

/* host::port, because a single colon separates the elements of its lists. */
static void
set_server(struct import_account *a, struct bytes text)
{
	const char *at = memmem(text.p, text.n, "::", 2);

	if (at == NULL || text.p[0] == '[') {
		import_server(a, text);
		return;
	}
	import_set(a, "host", bytes_of(text.p, (size_t)(at - text.p)));
	a->port = import_port(
	    bytes_of(at + 2, text.n - (size_t)(at - text.p) - 2));
}

static void
add_accounts(struct reading *rd)
{
	char *path = import_beside(rd->file, "passwd.client");
	struct bytes rest = bytes_str(rd->smarthosts);

	while (rest.n > 0) {
		struct bytes one = bytes_trim(bytes_cut(&rest, ';'));
		struct import_account *a;

		if (one.n == 0)
			continue;
		a = import_account_add(rd->im, NULL);
		set_server(a, one);
		a->tls = rd->is_smtps ? IMPORT_TLS_IMPLICIT
				      : IMPORT_TLS_STARTTLS;
		if (!find_login(rd, a, path, false) &&
		    count_logins(rd, path) == 1)
			IGNORE(find_login(rd, a, path, true));
		/* Debian's Exim offers STARTTLS and does not demand it. */
		if (a->secret_kind == IMPORT_SECRET_NONE &&
		    a->tls == IMPORT_TLS_STARTTLS)
			a->tls = IMPORT_TLS_CLEAR;
	}
	rd->im->are_spares = true;
	free(path);
}

/* user: address */
static void
take_address(void *ctx, struct bytes line, const struct import_text *at)
{
	const struct reading *rd = ctx;
	struct bytes address = line,
		     user = bytes_trim(bytes_cut(&address, ':'));

	(void)at;
	import_sender(rd->im, user, address);
}

static bool
is_own_configuration(struct reading *rd)
{
	char *path = import_beside(rd->file, "exim4.conf");
	struct import_text t;
	bool is_there = import_open(rd->im, path, &t);

	if (is_there)
		import_close(&t);
	free(path);
	return is_there;
}

/* Beside the main file, or elsewhere; neither has to be there. */
static void
read_rest(struct reading *rd)
{
	char *macros = import_beside(rd->file, "exim4.conf.localmacros");

	IGNORE(!import_each_line(rd->im, macros, take_macro, rd));
	add_accounts(rd);
	IGNORE(!import_each_line(
	    rd->im, "/etc/email-addresses", take_address, rd));
	free(macros);
}

static void
parse_exim(struct import *im, const char *file)
{
	struct reading rd = { .im = im, .file = file };

	if (!import_main_file(im, file, take_main, &rd))
		return;
	if (is_own_configuration(&rd))
		import_refuse(im,
		    "this Exim is configured by exim4.conf, which replaces %s "
		    "and is a program of its own; use relais setup",
		    file);
	else if (!str_eq(rd.type, "smarthost") && !str_eq(rd.type, "satellite"))
		import_refuse(im,
		    "this Exim uses no smarthost (dc_eximconfig_configtype is "
		    "%s); use relais setup",
		    rd.type != NULL ? rd.type : "not set");
	else
		read_rest(&rd);
	free(rd.type);
	free(rd.smarthosts);
}

static const char *const places[] = { "/etc/exim4/update-exim4.conf.conf",
	NULL };
static const char *const spools[] = { "/var/spool/exim4/input", NULL };

const struct import_program import_exim = { "exim", places, parse_exim, spools,
	"*-H", "exim4 -qff", "systemctl disable --now exim4" };
