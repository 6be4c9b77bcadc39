/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nullmailer 2: a folder with one file for each setting, and remotes:
 *
 *	remotes = *( comment / HOST [ "smtp" / "qmqp" ] *( option ) )
 *	option  = [ "--" ] NAME [ "=" VALUE ]
 *
 * A line of remotes is split as a shell does it; a "#" counts only at its
 * beginning.  Further lines are the spares, in their order. */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/import.h"

enum { LIFETIME_S = 604800 }; /* queuelifetime by default */

/* The next word of a line, without its quotes, into to.  False: none left. */
static bool
shell_word(struct bytes *rest, struct buf *to)
{
	char quote = '\0';

	buf_wipe(to);
	*rest = bytes_trim(*rest);
	if (rest->n == 0)
		return false;
	while (rest->n > 0 && (quote != '\0' || !ascii_is_wsp(rest->p[0]))) {
		char c = rest->p[0];
		bool is_escape = c == '\\' && quote != '\'' && rest->n > 1;

		if (is_escape)
			*rest = bytes_of(rest->p + 1, rest->n - 1);
		if (!is_escape && quote == '\0' && (c == '\'' || c == '"'))
			quote = c;
		else if (!is_escape && quote != '\0' && c == quote)
			quote = '\0';
		else
			IGNORE(buf_addc(to, rest->p[0]));
		*rest = bytes_of(rest->p + 1, rest->n - 1);
	}
	return true;
}

struct remote {
	struct import *im;
	struct import_account *a;
	const struct import_text *t;
};

static void
set_tls(struct remote *r, enum import_tls tls)
{
	/* "tls starttls" is STARTTLS, in either order. */
	if (r->a->tls != IMPORT_TLS_STARTTLS)
		r->a->tls = tls;
}

static void
take_option(struct remote *r, struct bytes word)
{
	struct bytes value = word, name;

	if (bytes_has_prefix_nocase(word, "--"))
		value = bytes_of(word.p + 2, word.n - 2);
	name = bytes_cut(&value, '=');
	if (bytes_eq(name, "port")) {
		r->a->port = import_port(value);
	} else if (bytes_eq(name, "user")) {
		import_set(r->a, "user", value);
	} else if (bytes_eq(name, "pass")) {
		import_secret(r->a, value, r->t->file, r->t->line);
	} else if (bytes_eq(name, "starttls")) {
		r->a->tls = IMPORT_TLS_STARTTLS;
	} else if (bytes_eq(name, "tls") || bytes_eq(name, "ssl")) {
		set_tls(r, IMPORT_TLS_IMPLICIT);
	} else if (bytes_eq(name, "auth-external")) {
		import_sets(r->a, "auth", "external");
	} else if (bytes_eq(name, "x509cafile")) {
		import_set(r->a, "tls_ca_file", value);
	} else if (bytes_eq(name, "x509certfile")) {
		/* With its key in the same file. */
		import_set(r->a, "tls_cert", value);
		if (import_get(r->a, "tls_key") == NULL)
			import_set(r->a, "tls_key", value);
	} else if (bytes_eq(name, "x509keyfile")) {
		import_set(r->a, "tls_key", value);
	} else if (bytes_eq(name, "insecure") ||
		   bytes_eq(name, "tls-anon-auth")) {
		import_note(r->im, r->t->file, r->t->line,
		    "%.*s: relais verifies the server's certificate",
		    (int)name.n, name.p);
	} else if (bytes_eq(name, "source")) {
		import_note(r->im, r->t->file, r->t->line,
		    "source=%.*s: the system chooses the address", (int)value.n,
		    value.p);
	} else if (!bytes_eq(name, "auth-login") && !bytes_eq(name, "auth")) {
		import_note(r->im, r->t->file, r->t->line,
		    "%.*s: relais does not know it", (int)name.n, name.p);
	}
}

static void
take_remote(void *ctx, struct bytes line, const struct import_text *at)
{
	struct import *im = ctx;
	struct remote r = { im, import_account_add(im, NULL), at };
	struct buf word;

	buf_init(&word, IMPORT_TEXT_MAX);
	for (size_t i = 0; shell_word(&line, &word); i++) {
		struct bytes w = buf_bytes(&word);

		if (i == 0) {
			import_set(r.a, "host", w);
		} else if (i == 1 && bytes_eq(w, "qmqp")) {
			import_note(im, at->file, at->line,
			    "%s speaks QMQP, which relais does not",
			    import_get(r.a, "host"));
			import_unset(r.a, "host");
			break;
		} else if (i > 1 || !bytes_eq(w, "smtp")) {
			take_option(&r, w);
		}
	}
	if (import_get(r.a, "user") == NULL)
		import_unset(r.a, "auth");
	buf_wipe(&word);
}

/* --- the small files ------------------------------------------------------ */

static void
take_admin(struct import *im, const char *file, struct bytes value)
{
	struct bytes rest = value, first = bytes_trim(bytes_cut(&rest, ','));

	import_set(im->relais, "admin", first);
	if (rest.n > 0)
		import_note(im, file, 0,
		    "admin is one address; for more, write \"root: %.*s\" into "
		    "/etc/aliases",
		    (int)value.n, value.p);
}

static void
take_sender(struct import *im, const char *file, struct bytes value)
{
	(void)file;
	for (size_t i = 0; i < im->n; i++) {
		import_set(im->accounts[i], "address", value);
		import_sets(im->accounts[i], "identity", "force");
	}
}

static void
take_name(struct import *im, const char *file, struct bytes value)
{
	(void)file;
	if (memchr(value.p, '.', value.n) != NULL)
		import_set(im->relais, "hostname", value);
}

static void
take_lifetime(struct import *im, const char *file, struct bytes value)
{
	uint64_t seconds;

	(void)file;
	if (num_u64_max(value, INT32_MAX, &seconds) && seconds != LIFETIME_S) {
		char *text = xasprintf("%llus", (unsigned long long)seconds);

		import_sets(im->relais, "lifetime", text);
		free(text);
	}
}

static void
take_lost(struct import *im, const char *file, struct bytes value)
{
	import_note(im, file, 0, "%.*s: relais has nothing like it",
	    (int)value.n, value.p);
}

/* In this order: helohost beats me. */
static const struct {
	const char *name;
	void (*take)(struct import *im, const char *file, struct bytes value);
} small[] = {
	{ "me", take_name },
	{ "helohost", take_name },
	{ "adminaddr", take_admin },
	{ "allmailfrom", take_sender },
	{ "queuelifetime", take_lifetime },
	{ "bouncefrom", take_lost },
	{ "doublebounceto", take_lost },
};

static void
parse_nullmailer(struct import *im, const char *file)
{
	struct buf line;

	if (!import_main_file(im, file, take_remote, im))
		return;
	im->are_spares = true;
	buf_init(&line, IMPORT_TEXT_MAX);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		char *path = import_beside(file, small[i].name);

		if (import_first_line(im, path, &line))
			small[i].take(im, path, buf_bytes(&line));
		free(path);
	}
	buf_wipe(&line);
}

static const char *const places[] = { "/etc/nullmailer/remotes", NULL };
static const char *const spools[] = { "/var/spool/nullmailer/queue",
	"/var/spool/nullmailer/failed", NULL };

const struct import_program import_nullmailer = { "nullmailer", places,
	parse_nullmailer, spools, "*", "nullmailer-send",
	"systemctl disable --now nullmailer" };
