/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/certs.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/xalloc.h"
#include "tests/lib/temp.h"

enum { PATHS_MAX = 64 };

struct certs {
	char *dir;
	bool is_temporary;
	gnutls_x509_crt_t ca;
	gnutls_x509_privkey_t ca_key;
	char *paths[PATHS_MAX];
	int npaths;
};

#define MUST(call)                                                             \
	do {                                                                   \
		int must_rc = (call);                                          \
		if (must_rc < 0) {                                             \
			(void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__,     \
			    __LINE__, #call, gnutls_strerror(must_rc));        \
			abort();                                               \
		}                                                              \
	} while (0)

const char *
certs_path(struct certs *c, const char *name)
{
	char *path = xasprintf("%s/%s", c->dir, name);

	for (int i = 0; i < c->npaths; i++)
		if (strcmp(c->paths[i], path) == 0) {
			free(path);
			return c->paths[i];
		}
	if (c->npaths == PATHS_MAX)
		abort();
	return c->paths[c->npaths++] = path;
}

static void
write_file(struct certs *c, const char *stem, const char *ending,
    const gnutls_datum_t *text)
{
	char *name = xasprintf("%s%s", stem, ending);
	FILE *f = fopen(certs_path(c, name), "w");

	if (f == NULL || fwrite(text->data, 1, text->size, f) != text->size ||
	    fchmod(fileno(f), 0600) != 0 || fclose(f) != 0)
		abort();
	free(name);
}

static void
write_pair(struct certs *c, const char *stem, gnutls_x509_crt_t crt,
    gnutls_x509_privkey_t key)
{
	gnutls_datum_t text = { NULL, 0 };

	MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text));
	write_file(c, stem, ".pem", &text);
	gnutls_free(text.data);
	MUST(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text));
	write_file(c, stem, ".key", &text);
	gnutls_free(text.data);
}

static gnutls_x509_privkey_t
new_key(unsigned rsa_bits)
{
	gnutls_x509_privkey_t key;

	MUST(gnutls_x509_privkey_init(&key));
	if (rsa_bits > 0)
		MUST(gnutls_x509_privkey_generate(
		    key, GNUTLS_PK_RSA, rsa_bits, 0));
	else
		MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_EC,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	return key;
}

static void
set_name(gnutls_x509_crt_t crt, const char *oid, const char *value)
{
	MUST(gnutls_x509_crt_set_dn_by_oid(
	    crt, oid, 0, value, (unsigned)strlen(value)));
}

static gnutls_x509_crt_t
new_crt(gnutls_x509_privkey_t key, int64_t from_s, int64_t until_s)
{
	gnutls_x509_crt_t crt;
	unsigned char serial[8];
	time_t now = time(NULL);

	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_set_version(crt, 3));
	MUST(gnutls_x509_crt_set_key(crt, key));
	MUST(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)));
	serial[0] &= 0x7f; /* not negative */
	MUST(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)));
	MUST(gnutls_x509_crt_set_activation_time(crt, (time_t)(now + from_s)));
	MUST(gnutls_x509_crt_set_expiration_time(crt, (time_t)(now + until_s)));
	return crt;
}

static void
make_authority(struct certs *c)
{
	c->ca_key = new_key(0);
	c->ca = new_crt(c->ca_key, -86400 * 3650LL, 86400 * 3650LL);
	set_name(c->ca, GNUTLS_OID_X520_COMMON_NAME, "Test Authority");
	MUST(gnutls_x509_crt_set_basic_constraints(c->ca, 1, -1));
	MUST(gnutls_x509_crt_set_key_usage(
	    c->ca, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
	MUST(gnutls_x509_crt_sign2(
	    c->ca, c->ca, c->ca_key, GNUTLS_DIG_SHA256, 0));
	write_pair(c, "ca", c->ca, c->ca_key);
}

struct certs *
certs_new_in(const char *dir)
{
	struct certs *c = xcalloc(1, sizeof(*c));

	/* Programs with src/tls in them leave that to whoever begins. */
	MUST(gnutls_global_init());
	c->dir = xstrdup(dir);
	make_authority(c);
	return c;
}

struct certs *
certs_new(void)
{
	char dir[64];
	struct certs *c;

	temp_dir(dir, sizeof(dir), "relais-certs");
	c = certs_new_in(dir);
	c->is_temporary = true;
	return c;
}

void
certs_free(struct certs *c)
{
	if (c == NULL)
		return;
	for (int i = 0; i < c->npaths; i++) {
		if (c->is_temporary)
			(void)unlink(c->paths[i]); /* may not exist */
		free(c->paths[i]);
	}
	if (c->is_temporary && rmdir(c->dir) != 0)
		perror(c->dir);
	gnutls_x509_crt_deinit(c->ca);
	gnutls_x509_privkey_deinit(c->ca_key);
	free(c->dir);
	free(c);
}

static void
add_names(gnutls_x509_crt_t crt, const struct cert_spec *spec)
{
	unsigned char ip[16];
	unsigned ip_len = 0;

	if (spec->common_name != NULL)
		set_name(crt, GNUTLS_OID_X520_COMMON_NAME, spec->common_name);
	else
		set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, "Test");
	for (int i = 0; i < CERT_NAMES_MAX && spec->dns[i] != NULL; i++)
		MUST(gnutls_x509_crt_set_subject_alt_name(crt,
		    GNUTLS_SAN_DNSNAME, spec->dns[i],
		    (unsigned)strlen(spec->dns[i]), GNUTLS_FSAN_APPEND));
	if (spec->ip == NULL)
		return;
	if (inet_pton(AF_INET, spec->ip, ip) == 1)
		ip_len = 4;
	else if (inet_pton(AF_INET6, spec->ip, ip) == 1)
		ip_len = 16;
	MUST(gnutls_x509_crt_set_subject_alt_name(
	    crt, GNUTLS_SAN_IPADDRESS, ip, ip_len, GNUTLS_FSAN_APPEND));
}

void
certs_make(struct certs *c, const struct cert_spec *spec)
{
	bool is_dated = spec->from_s != 0 || spec->until_s != 0;
	gnutls_x509_privkey_t key = new_key(spec->rsa_bits);
	gnutls_x509_crt_t crt = new_crt(key, is_dated ? spec->from_s : -3600,
	    is_dated ? spec->until_s : 86400);

	add_names(crt, spec);
	MUST(gnutls_x509_crt_set_basic_constraints(crt, 0, -1));
	MUST(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE));
	MUST(gnutls_x509_crt_set_key_purpose_oid(crt,
	    spec->is_client ? GNUTLS_KP_TLS_WWW_CLIENT
			    : GNUTLS_KP_TLS_WWW_SERVER,
	    0));
	MUST(gnutls_x509_crt_sign2(crt, spec->is_self_signed ? crt : c->ca,
	    spec->is_self_signed ? key : c->ca_key,
	    spec->is_sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0));
	write_pair(c, spec->file, crt, key);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

char *
certs_pin(struct certs *c, const char *file)
{
	char *name = xasprintf("%s.pem", file);
	gnutls_datum_t pem = { NULL, 0 }, der = { NULL, 0 };
	unsigned char hash[32];
	gnutls_pubkey_t key;
	gnutls_x509_crt_t crt;
	struct buf pin;
	char *text;

	MUST(gnutls_load_file(certs_path(c, name), &pem));
	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM));
	MUST(gnutls_pubkey_init(&key));
	MUST(gnutls_pubkey_import_x509(key, crt, 0));
	MUST(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der));
	MUST(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, hash));
	buf_init(&pin, 128);
	if (!buf_adds(&pin, "sha256:") ||
	    !base64_encode(&pin, bytes_of(hash, sizeof(hash))))
		abort();
	text = buf_steal(&pin);
	gnutls_free(pem.data);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(crt);
	free(name);
	return text;
}
