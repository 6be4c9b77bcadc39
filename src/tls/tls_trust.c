/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tls/tls_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "base/buf.h"

/* GnuTLS verifies sixteen at most; each has its own name and its issuer's. */
enum { FILE_MAX = 16 * 1024 * 1024, CHAIN_MAX = 16, NAMES_MAX = 2 * CHAIN_MAX };

/* --- the file ------------------------------------------------------------- */

static int
read_file(const char *file, struct buf *to)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	struct stat st;
	char *p;

	if (fd < 0)
		return -1;
	/* At once, so that the heap does not keep the smaller sizes. */
	if (fstat(fd, &st) == 0 && st.st_size < FILE_MAX)
		while ((p = buf_space(to, (size_t)st.st_size + 1)) != NULL &&
		       (n = read(fd, p, (size_t)st.st_size + 1)) > 0)
			buf_added(to, (size_t)n);
	(void)close(fd); /* only read */
	return n == 0 ? 0 : -1;
}

static void
skip_to(struct bytes *rest, const char *at)
{
	*rest = bytes_of(at, (size_t)(rest->p + rest->n - at));
}

static const char *
find(struct bytes in, const char *what)
{
	return in.n > 0 ? memmem(in.p, in.n, what, strlen(what)) : NULL;
}

/* The next block of PEM, with its marks; false: there is none. */
static bool
next_block(struct bytes *rest, gnutls_datum_t *ret)
{
	static const char end_mark[] = "-----END ";
	static const char *const begin_marks[] = {
		"-----BEGIN CERTIFICATE-----",
		"-----BEGIN X509 CERTIFICATE-----"
	};
	const char *begin = NULL, *end;

	for (size_t i = 0; i < 2; i++) {
		const char *at = find(*rest, begin_marks[i]);

		if (at != NULL && (begin == NULL || at < begin))
			begin = at;
	}
	if (begin == NULL)
		return false;
	skip_to(rest, begin);
	end = find(*rest, end_mark);
	/* Up to the end of that line. */
	end = end != NULL ? memchr(end, '\n', (size_t)(rest->p + rest->n - end))
			  : NULL;
	if (end == NULL)
		end = rest->p + rest->n;
	ret->data = (unsigned char *)(uintptr_t)begin;
	ret->size = (unsigned)(end - begin);
	skip_to(rest, end);
	return true;
}

const char *
tls_trust_system_file(void)
{
	const char *file = RELAIS_CA_FILE;

	return *file != '\0' && access(file, R_OK) == 0 ? file : NULL;
}

int
tls_trust_check(const char *file, struct err *err)
{
	gnutls_datum_t block, der;
	struct bytes rest;
	struct buf text;
	size_t n = 0;
	int rc;

	buf_init(&text, FILE_MAX + 1);
	rc = read_file(file, &text);
	rest = buf_bytes(&text);
	while (rc == 0 && next_block(&rest, &block)) {
		rc = gnutls_pem_base64_decode2(NULL, &block, &der);
		if (rc == 0)
			gnutls_free(der.data);
		n++;
	}
	buf_clear(&text);
	if (rc == 0 && n > 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "cannot read a certificate from tls_ca_file %s: %s", file,
	    rc == -1  ? strerror(errno)
	    : rc != 0 ? gnutls_strerror(rc)
		      : "the file has none");
}

/* --- who is named --------------------------------------------------------- */

struct names {
	gnutls_datum_t v[NAMES_MAX]; /* in DER */
	size_t n;
};

static void
add_name(struct names *names, int rc, gnutls_datum_t dn)
{
	/* An empty one, of two bytes, is no authority's. */
	if (rc == 0 && dn.size > 2)
		names->v[names->n++] = dn;
	else if (rc == 0)
		gnutls_free(dn.data);
}

static void
names_of_chain(gnutls_session_t session, struct names *names)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);

	names->n = 0;
	for (unsigned i = 0; chain != NULL && i < n && i < CHAIN_MAX; i++) {
		gnutls_datum_t dn = { NULL, 0 };
		gnutls_x509_crt_t crt;

		if (gnutls_x509_crt_init(&crt) != 0)
			return;
		if (gnutls_x509_crt_import(
			crt, &chain[i], GNUTLS_X509_FMT_DER) == 0) {
			add_name(names,
			    gnutls_x509_crt_get_raw_issuer_dn(crt, &dn), dn);
			add_name(
			    names, gnutls_x509_crt_get_raw_dn(crt, &dn), dn);
		}
		gnutls_x509_crt_deinit(crt);
	}
}

static void
names_clear(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		gnutls_free(names->v[i].data);
}

/* Their bytes are somewhere in it. */
static bool
mentions(const gnutls_datum_t *der, const struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (memmem(der->data, der->size, names->v[i].data,
			names->v[i].size) != NULL)
			return true;
	return false;
}

static bool
is_named(gnutls_x509_crt_t crt, const struct names *names)
{
	gnutls_datum_t dn;
	bool is_there = false;

	if (gnutls_x509_crt_get_raw_dn(crt, &dn) != 0)
		return false;
	for (size_t i = 0; i < names->n; i++)
		is_there = is_there ||
			   (names->v[i].size == dn.size &&
			       memcmp(names->v[i].data, dn.data, dn.size) == 0);
	gnutls_free(dn.data);
	return is_there;
}

static bool
add_if_named(gnutls_x509_trust_list_t list, const gnutls_datum_t *der,
    const struct names *names)
{
	gnutls_x509_crt_t crt;

	if (!mentions(der, names) || gnutls_x509_crt_init(&crt) != 0)
		return false;
	/* The list owns what it has taken. */
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0 &&
	    is_named(crt, names) &&
	    gnutls_x509_trust_list_add_cas(
		list, &crt, 1, GNUTLS_TL_NO_DUPLICATES) == 1)
		return true;
	gnutls_x509_crt_deinit(crt);
	return false;
}

bool
tls_trust_add(gnutls_certificate_credentials_t cred, const char *file,
    gnutls_session_t session)
{
	gnutls_x509_trust_list_t list;
	gnutls_datum_t block, der;
	struct names names;
	struct bytes rest;
	struct buf text;
	bool is_more = false;

	gnutls_certificate_get_trust_list(cred, &list);
	buf_init(&text, FILE_MAX + 1);
	if (read_file(file, &text) == 0) {
		names_of_chain(session, &names);
		rest = buf_bytes(&text);
		while (next_block(&rest, &block))
			if (gnutls_pem_base64_decode2(NULL, &block, &der) ==
			    0) {
				is_more = add_if_named(list, &der, &names) ||
					  is_more;
				gnutls_free(der.data);
			}
		names_clear(&names);
	}
	buf_clear(&text);
	return is_more;
}
