/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_ctx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/base64.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "tls/tls_inside.h"
#include "tls/tls_trust.h"

/* In addition to the system's own policy, so that a stricter machine stays
 * stricter (RFC 8997, R70): TLS 1.2 or newer, RSA keys of 2048 bits or more, no
 * SHA-1 signature in a certificate (the profile) or in the handshake (RFC
 * 9155). */
#define POLICY                                                                 \
	"-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM"                  \
	":-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1"

enum { SHA256_SIZE = 32 };

struct tls_ctx {
	bool is_server;
	char *ca_file, *cert_file, *key_file;
	char *pins[TLS_PINS_MAX];
	gnutls_priority_t priority;
	gnutls_certificate_credentials_t cred; /* NULL: not read yet */
	int users; /* pipes that hold cred */
	bool is_over; /* freed, but for them */
	gnutls_datum_t ticket_key; /* server */
	gnutls_datum_t ticket; /* client; lets its owner resume: a secret */
	char *ticket_name;
};

/* GnuTLS uses 1 MB of memory when it initialises (tokens, self-tests, tables),
 * so this waits until a context needs it. */
GNUTLS_SKIP_GLOBAL_INIT

static void
begin_gnutls(void)
{
	/* It counts; only the first call does anything. */
	if (gnutls_global_init() != 0)
		abort(); /* its own tests have failed, or memory */
}

/* --- what pipes ask ----------------------------------------------------- */

bool
tls_ctx_is_server(const struct tls_ctx *c)
{
	return c->is_server;
}

bool
tls_ctx_asks(const struct tls_ctx *c)
{
	return c->is_server && c->ca_file != NULL;
}

gnutls_certificate_credentials_t
tls_ctx_credentials(const struct tls_ctx *c)
{
	return c->cred;
}

gnutls_priority_t
tls_ctx_priority(const struct tls_ctx *c)
{
	return c->priority;
}

const gnutls_datum_t *
tls_ctx_ticket_key(const struct tls_ctx *c)
{
	return &c->ticket_key;
}

bool
tls_ctx_has_pins(const struct tls_ctx *c)
{
	for (int i = 0; i < TLS_PINS_MAX; i++)
		if (c->pins[i] != NULL)
			return true;
	return false;
}

bool
tls_ctx_has_pin(const struct tls_ctx *c, const char *pin)
{
	for (int i = 0; i < TLS_PINS_MAX; i++)
		if (c->pins[i] != NULL && strcmp(c->pins[i], pin) == 0)
			return true;
	return false;
}

/* --- the session ticket ------------------------------------------------- */

void
tls_ctx_drop_ticket(struct tls_ctx *c)
{
	if (c->ticket.data != NULL)
		explicit_bzero(c->ticket.data, c->ticket.size);
	free(c->ticket.data);
	free(c->ticket_name);
	c->ticket = (gnutls_datum_t) { NULL, 0 };
	c->ticket_name = NULL;
}

void
tls_ctx_put_ticket(
    struct tls_ctx *c, const char *name, const gnutls_datum_t *ticket)
{
	tls_ctx_drop_ticket(c);
	c->ticket.data = xmalloc(ticket->size);
	c->ticket.size = ticket->size;
	memcpy(c->ticket.data, ticket->data, ticket->size);
	c->ticket_name = xstrdup(name);
}

/* Resumption skips the certificate, so a ticket is used only for the name that
 * was verified when it was issued. */
bool
tls_ctx_ticket(const struct tls_ctx *c, const char *name, gnutls_datum_t *ret)
{
	if (c->ticket.data == NULL || !str_eq_nocase(c->ticket_name, name))
		return false;
	*ret = c->ticket;
	return true;
}

/* --- credentials -------------------------------------------------------- */

/* The file of authorities of which those are taken that a server's chain names;
 * NULL: GnuTLS has them all. */
static const char *
trust_file(const struct tls_ctx *c)
{
	if (c->is_server)
		return NULL; /* it tells clients whom it trusts */
	return c->ca_file != NULL ? c->ca_file : tls_trust_system_file();
}

static int
load_all(struct tls_ctx *c, struct err *err)
{
	int n = c->ca_file != NULL
		    ? gnutls_certificate_set_x509_trust_file(
			  c->cred, c->ca_file, GNUTLS_X509_FMT_PEM)
		    : gnutls_certificate_set_x509_system_trust(c->cred);

	return n > 0 ? 0
		     : err_set(err, ERR_CONFIG,
			   "cannot read the certificate authorities: %s",
			   n < 0 ? gnutls_strerror(n) : "there are none");
}

static int
load_trust(struct tls_ctx *c, struct err *err)
{
	const char *file = trust_file(c);

	if (c->ca_file != NULL && !c->is_server)
		return tls_trust_check(file, err);
	if (c->is_server)
		return load_all(c, err);
	if ((file != NULL && tls_trust_check(file, NULL) == 0) ||
	    (file == NULL && load_all(c, NULL) == 0))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "this machine has no certificate authorities, so no server can be "
	    "verified; install the package ca-certificates, or set tls_ca_file "
	    "or tls_pin");
}

bool
tls_ctx_trust(const struct tls_ctx *c, gnutls_session_t session)
{
	const char *file = trust_file(c);

	return file != NULL && tls_trust_add(c->cred, file, session);
}

static int
load_own_certificate(struct tls_ctx *c, struct err *err)
{
	const char *key = c->key_file != NULL ? c->key_file : c->cert_file;
	int rc;

	if (c->cert_file == NULL)
		return 0;
	rc = gnutls_certificate_set_x509_key_file(
	    c->cred, c->cert_file, key, GNUTLS_X509_FMT_PEM);
	if (rc >= 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "the certificate %s with the key %s cannot be used: %s",
	    c->cert_file, key, gnutls_strerror(rc));
}

static int
load(struct tls_ctx *c, struct err *err)
{
	if (gnutls_certificate_allocate_credentials(&c->cred) != 0)
		abort(); /* memory, as in xmalloc() */
	/* A pin replaces the chain check. */
	if ((tls_ctx_has_pins(c) || (c->is_server && c->ca_file == NULL) ||
		load_trust(c, err) == 0) &&
	    load_own_certificate(c, err) == 0)
		return 0;
	gnutls_certificate_free_credentials(c->cred);
	c->cred = NULL;
	return -1;
}

int
tls_ctx_take(struct tls_ctx *c, struct err *err)
{
	if (c->cred == NULL && load(c, err) != 0)
		return -1;
	c->users++;
	return 0;
}

void
tls_ctx_give(struct tls_ctx *c)
{
	assert(c->users > 0);
	if (--c->users == 0 && c->is_over)
		tls_ctx_free(c);
}

int
tls_ctx_check(struct tls_ctx *c, struct err *err)
{
	if (tls_ctx_take(c, err) != 0)
		return -1;
	tls_ctx_give(c);
	tls_ctx_trim(c);
	return 0;
}

void
tls_ctx_trim(struct tls_ctx *c)
{
	tls_ctx_drop_ticket(c);
	if (c->users > 0 || c->cred == NULL)
		return;
	gnutls_certificate_free_credentials(c->cred);
	c->cred = NULL;
}

/* --- life --------------------------------------------------------------- */

static int
check_pin(const char *pin, struct err *err)
{
	static const char prefix[] = "sha256:";
	struct bytes b = bytes_str(pin);
	struct buf raw;
	bool ok;

	buf_init(&raw, 64);
	ok = bytes_has_prefix_nocase(b, prefix) &&
	     base64_decode(
		 &raw, bytes_of(pin + strlen(prefix), b.n - strlen(prefix))) &&
	     buf_len(&raw) == SHA256_SIZE;
	buf_clear(&raw);
	if (ok)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "tls_pin %s is not of the form sha256:BASE64 (44 characters after "
	    "the colon)",
	    pin);
}

static int
set_priority(struct tls_ctx *c, const char *words, struct err *err)
{
	const char *at = NULL;
	int rc = words != NULL ? gnutls_priority_init(&c->priority, words, &at)
			       : gnutls_priority_init2(&c->priority, POLICY,
				     &at, GNUTLS_PRIORITY_INIT_DEF_APPEND);

	if (rc == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "the TLS policy of this machine allows neither TLS 1.2 nor 1.3: "
	    "%s",
	    gnutls_strerror(rc));
}

int
tls_ctx_new_client(
    const struct tls_client_opts *opts, struct tls_ctx **ret, struct err *err)
{
	struct tls_ctx *c;

	for (int i = 0; i < TLS_PINS_MAX; i++)
		if (opts->pins[i] != NULL && check_pin(opts->pins[i], err) != 0)
			return -1;
	begin_gnutls();
	c = xcalloc(1, sizeof(*c));
	c->ca_file = xstrdup(opts->ca_file);
	c->cert_file = xstrdup(opts->cert_file);
	c->key_file = xstrdup(opts->key_file);
	for (int i = 0; i < TLS_PINS_MAX; i++)
		if (opts->pins[i] != NULL) /* "SHA256:" is welcome too */
			c->pins[i] = xasprintf("sha256:%s", opts->pins[i] + 7);
	if (set_priority(c, NULL, err) != 0) {
		tls_ctx_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

int
tls_ctx_new_server(
    const struct tls_server_opts *opts, struct tls_ctx **ret, struct err *err)
{
	struct tls_ctx *c = xcalloc(1, sizeof(*c));

	begin_gnutls();
	c->is_server = true;
	c->ca_file = xstrdup(opts->client_ca_file);
	c->cert_file = xstrdup(opts->cert_file);
	c->key_file = xstrdup(opts->key_file);
	if (gnutls_session_ticket_key_generate(&c->ticket_key) != 0)
		abort(); /* memory or the random source */
	if (set_priority(c, opts->priority, err) != 0 || load(c, err) != 0) {
		tls_ctx_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
tls_ctx_free(struct tls_ctx *c)
{
	if (c == NULL)
		return;
	c->is_over = true;
	if (c->users > 0)
		return;
	tls_ctx_trim(c);
	if (c->ticket_key.data != NULL)
		explicit_bzero(c->ticket_key.data, c->ticket_key.size);
	gnutls_free(c->ticket_key.data);
	if (c->priority != NULL)
		gnutls_priority_deinit(c->priority);
	for (int i = 0; i < TLS_PINS_MAX; i++)
		free(c->pins[i]);
	free(c->ca_file);
	free(c->cert_file);
	free(c->key_file);
	free(c);
}
