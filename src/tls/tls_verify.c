/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_verify.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "base/base64.h"
#include "base/str.h"
#include "mail/date.h"

/* An earlier time is certainly wrong on a machine that runs this: raised with
 * each release.  2026-09-01. */
#define RELEASED_S INT64_C(1788220800)

enum { NAMES_SHOWN = 3, NAMES_MAX = 300, SHA256_SIZE = 32, CHAIN_MAX = 16 };

/* --- the decision ------------------------------------------------------- */

/* The day alone, "2026-08-21". */
static const char *
date_text(int64_t at_s, char to[DATE_TEXT_SIZE])
{
	(void)date_iso(at_s * 1000, 0, to);
	to[strcspn(to, "T")] = '\0';
	return to;
}

static int
tell_dates(const struct tls_facts *f, struct err *err)
{
	char from[DATE_TEXT_SIZE], until[DATE_TEXT_SIZE];
	char now[DATE_TEXT_SIZE];
	const char *whose = f->is_authority
				? "an authority in the certificate chain of "
				: "the certificate of ";

	if (f->until_s == 0)
		return err_set(err, ERR_CERTIFICATE,
		    "the authority in the certificate chain of %s, in the "
		    "store of this machine, is out of date; the clock of this "
		    "machine says %s",
		    f->name, date_text(f->now_s, now));
	if (f->now_s < f->from_s && f->now_s < RELEASED_S)
		return err_set(err, ERR_CERTIFICATE,
		    "%s%s is valid from %s on, but the clock of this machine "
		    "says %s, which cannot be right; set the clock (is NTP "
		    "running?)",
		    whose, f->name, date_text(f->from_s, from),
		    date_text(f->now_s, now));
	if (f->now_s < f->from_s)
		return err_set(err, ERR_CERTIFICATE,
		    "%s%s is not valid before %s; the clock of this machine "
		    "says %s",
		    whose, f->name, date_text(f->from_s, from),
		    date_text(f->now_s, now));
	return err_set(err, ERR_CERTIFICATE,
	    "%s%s expired on %s; the clock of this machine says %s", whose,
	    f->name, date_text(f->until_s, until), date_text(f->now_s, now));
}

static int
tell_signer(const struct tls_facts *f, struct err *err)
{
	if (f->is_self_signed)
		return err_set(err, ERR_CERTIFICATE,
		    "the certificate of %s is from an unknown authority "
		    "(self-signed); if it is the right one, set tls_ca_file or "
		    "tls_pin",
		    f->name);
	return err_set(err, ERR_CERTIFICATE,
	    "the certificate of %s is from an unknown authority (%s); if it is "
	    "the right one, set tls_ca_file or tls_pin",
	    f->name, f->issuer);
}

static int
tell_name(const struct tls_facts *f, struct err *err)
{
	if (f->names[0] == '\0')
		return err_set(err, ERR_CERTIFICATE,
		    "the certificate of %s names no host (no subjectAltName), "
		    "so it proves nothing; if it is the right one, set tls_pin",
		    f->name);
	return err_set(err, ERR_CERTIFICATE,
	    "the certificate is for %s, not %s", f->names, f->name);
}

/* In this order: what the user can correct comes first. */
static const struct {
	unsigned bits;
	int (*tell)(const struct tls_facts *f, struct err *err);
	const char *words;
} faults[] = {
	{ GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED, tell_dates, NULL },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, tell_signer, NULL },
	{ GNUTLS_CERT_REVOKED, NULL, "has been revoked" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, NULL, "has an invalid signature" },
	{ GNUTLS_CERT_SIGNER_NOT_CA, NULL,
	    "is signed by an issuer that is not a certificate authority" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, NULL,
	    "is signed by an authority that may not sign for this name" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, NULL,
	    "has a key or a signature that is no longer safe: RSA below "
	    "2048 bits, or SHA-1" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, NULL, "is not meant for servers" },
	{ ~0U, NULL, "cannot be verified" },
};

int
tls_verify_decide(const struct tls_facts *f, struct err *err)
{
	for (size_t i = 0;
	     f->status != 0 && i < sizeof(faults) / sizeof(faults[0]); i++) {
		/* GNUTLS_CERT_INVALID only says that another bit is set. */
		if ((f->status & ~GNUTLS_CERT_INVALID & faults[i].bits) == 0 &&
		    faults[i].bits != ~0U)
			continue;
		if (faults[i].tell != NULL)
			return faults[i].tell(f, err);
		return err_set(err, ERR_CERTIFICATE, "the certificate of %s %s",
		    f->name, faults[i].words);
	}
	return f->is_for_name ? 0 : tell_name(f, err);
}

/* --- names -------------------------------------------------------------- */

static struct bytes
without_final_dot(struct bytes b)
{
	if (b.n > 0 && b.p[b.n - 1] == '.')
		b.n--;
	return b;
}

static bool
equal_nocase(struct bytes a, struct bytes b)
{
	char text[256];

	/* A NUL inside a name never equals anything. */
	return memchr(a.p, '\0', a.n) == NULL &&
	       str_copy(text, sizeof(text), b) && bytes_eq_nocase(a, text);
}

bool
tls_verify_name_matches(struct bytes presented, const char *host)
{
	struct bytes h = without_final_dot(bytes_str(host));
	const char *dot;

	presented = without_final_dot(presented);
	if (presented.n < 2 || presented.p[0] != '*' || presented.p[1] != '.')
		return presented.n > 0 && equal_nocase(presented, h);
	/* "*.org" would match everybody, so two labels must follow. */
	if (memchr(presented.p + 2, '.', presented.n - 2) == NULL)
		return false;
	dot = memchr(h.p, '.', h.n);
	if (dot == NULL || dot == h.p)
		return false;
	return equal_nocase(bytes_of(presented.p + 1, presented.n - 1),
	    bytes_of(dot, h.n - (size_t)(dot - h.p)));
}

struct reference { /* what the certificate must be for */
	const char *name;
	unsigned char addr[16];
	size_t addr_len; /* 0: a host name */
};

static void
reference_init(struct reference *r, const char *name)
{
	*r = (struct reference) { .name = name };
	if (inet_pton(AF_INET, name, r->addr) == 1)
		r->addr_len = 4;
	else if (inet_pton(AF_INET6, name, r->addr) == 1)
		r->addr_len = 16;
}

static bool
san_matches(const struct reference *r, unsigned type, struct bytes san)
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return r->addr_len != 0 && san.n == r->addr_len &&
		       memcmp(san.p, r->addr, san.n) == 0;
	return type == GNUTLS_SAN_DNSNAME && r->addr_len == 0 &&
	       tls_verify_name_matches(san, r->name);
}

static void
show_san(struct buf *names, unsigned type, struct bytes san)
{
	char text[INET6_ADDRSTRLEN];

	if (buf_len(names) > 0)
		IGNORE(buf_adds(names, ", ")); /* cut is fine, as below */
	if (type == GNUTLS_SAN_DNSNAME)
		IGNORE(str_escape(names, san, 64));
	else if (type == GNUTLS_SAN_IPADDRESS &&
		 inet_ntop(san.n == 4 ? AF_INET : AF_INET6, san.p, text,
		     sizeof(text)) != NULL)
		IGNORE(buf_adds(names, text));
}

/* Looks at all names: finds the right one, and collects them for the error. */
static bool
look_at_names(
    gnutls_x509_crt_t crt, const struct reference *r, struct buf *names)
{
	bool is_found = false;
	char san[256];
	int shown = 0, more = 0;

	for (unsigned i = 0;; i++) {
		size_t size = sizeof(san);
		unsigned type = 0;
		int rc = gnutls_x509_crt_get_subject_alt_name2(
		    crt, i, san, &size, &type, NULL);

		if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue; /* longer than any host name */
		if (rc < 0)
			break;
		if ((type == GNUTLS_SAN_IPADDRESS && size != 4 && size != 16) ||
		    (type != GNUTLS_SAN_IPADDRESS &&
			type != GNUTLS_SAN_DNSNAME))
			continue;
		is_found |= san_matches(r, type, bytes_of(san, size));
		if (shown++ < NAMES_SHOWN)
			show_san(names, type, bytes_of(san, size));
		else
			more++;
	}
	if (more > 0)
		IGNORE(buf_addf(names, " and %d more", more)); /* cut is fine */
	return is_found;
}

/* --- looking at a session ----------------------------------------------- */

static int
import(gnutls_session_t session, unsigned nth, gnutls_x509_crt_t *ret)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);

	if (chain == NULL || nth >= n || gnutls_x509_crt_init(ret) != 0)
		return -1;
	if (gnutls_x509_crt_import(*ret, &chain[nth], GNUTLS_X509_FMT_DER) == 0)
		return 0;
	gnutls_x509_crt_deinit(*ret);
	return -1;
}

/* The first certificate of the chain that is out of date; else the server's
 * own dates stand. */
static void
look_at_dates(
    gnutls_session_t session, gnutls_x509_crt_t leaf, struct tls_facts *f)
{
	gnutls_x509_crt_t crt;

	f->from_s = gnutls_x509_crt_get_activation_time(leaf);
	f->until_s = gnutls_x509_crt_get_expiration_time(leaf);
	if (f->now_s < f->from_s || f->now_s > f->until_s)
		return;
	for (unsigned i = 1; i < CHAIN_MAX && import(session, i, &crt) == 0;
	     i++) {
		int64_t from = gnutls_x509_crt_get_activation_time(crt);
		int64_t until = gnutls_x509_crt_get_expiration_time(crt);

		gnutls_x509_crt_deinit(crt);
		if (f->now_s >= from && f->now_s <= until)
			continue;
		f->from_s = from;
		f->until_s = until;
		f->is_authority = true;
		return;
	}
	/* Not in what was sent: the root in our own store, dates unknown. */
	if (f->status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) {
		f->is_authority = true;
		f->from_s = f->until_s = 0;
	}
}

static void
look_at_issuer(gnutls_x509_crt_t leaf, struct tls_facts *f, struct buf *issuer)
{
	char dn[200];
	size_t size = sizeof(dn);

	f->is_self_signed = gnutls_x509_crt_check_issuer(leaf, leaf) != 0;
	if (gnutls_x509_crt_get_issuer_dn(leaf, dn, &size) != 0)
		size = 0;
	IGNORE(str_escape(issuer, bytes_of(dn, size), 120)); /* cut is fine */
}

int
tls_verify_session(
    gnutls_session_t session, const char *name, int64_t now_s, struct err *err)
{
	struct tls_facts f = { .name = name, .now_s = now_s };
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (void *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER,
	};
	struct reference ref;
	struct buf names, issuer;
	gnutls_x509_crt_t leaf;
	int rc;

	if (import(session, 0, &leaf) != 0)
		return err_set(err, ERR_CERTIFICATE,
		    "%s presents no readable certificate", name);
	/* A result that is not a verdict must not count as one. */
	rc = gnutls_certificate_verify_peers(session, &purpose, 1, &f.status);
	if (rc != 0)
		f.status |= GNUTLS_CERT_INVALID;
	buf_init(&names, NAMES_MAX);
	buf_init(&issuer, 512);
	reference_init(&ref, name);
	f.is_for_name = look_at_names(leaf, &ref, &names);
	look_at_dates(session, leaf, &f);
	look_at_issuer(leaf, &f, &issuer);
	f.names = buf_str(&names);
	f.issuer = buf_str(&issuer);
	rc = tls_verify_decide(&f, err);
	buf_clear(&names);
	buf_clear(&issuer);
	gnutls_x509_crt_deinit(leaf);
	return rc;
}

int64_t
tls_verify_expires_s(gnutls_session_t session)
{
	int64_t first = 0;
	gnutls_x509_crt_t crt;

	for (unsigned i = 0; i < CHAIN_MAX && import(session, i, &crt) == 0;
	     i++) {
		int64_t until = gnutls_x509_crt_get_expiration_time(crt);

		gnutls_x509_crt_deinit(crt);
		if (first == 0 || until < first)
			first = until;
	}
	return first;
}

int
tls_verify_pin(gnutls_session_t session, struct buf *ret_pin)
{
	unsigned char hash[SHA256_SIZE];
	gnutls_datum_t der = { NULL, 0 };
	gnutls_pubkey_t key = NULL;
	gnutls_x509_crt_t leaf;
	int rc = -1;

	if (import(session, 0, &leaf) != 0)
		return -1;
	if (gnutls_pubkey_init(&key) == 0 &&
	    gnutls_pubkey_import_x509(key, leaf, 0) == 0 &&
	    gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der) == 0 &&
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, hash) ==
		0 &&
	    buf_adds(ret_pin, "sha256:") &&
	    base64_encode(ret_pin, bytes_of(hash, sizeof(hash))))
		rc = 0;
	gnutls_free(der.data);
	if (key != NULL)
		gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(leaf);
	return rc;
}
