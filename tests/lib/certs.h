/* SPDX-License-Identifier: GPL-3.0-or-later */
/* certs.h - certificates made at test time, so that none can expire in the
 * tree.  Aborts on any failure: a test without its certificate is no test.
 */
#ifndef TESTS_LIB_CERTS_H
#define TESTS_LIB_CERTS_H

#include <stdbool.h>
#include <stdint.h>

struct certs; /* a folder with an authority in it: DIR/ca.pem */

enum { CERT_NAMES_MAX = 5 };

struct cert_spec {
	const char *file; /* DIR/FILE.pem and DIR/FILE.key */
	const char *common_name; /* NULL: none */
	const char *dns[CERT_NAMES_MAX]; /* dNSName, until NULL */
	const char *ip; /* iPAddress, or NULL */
	/* Seconds from now; both 0: from an hour ago for a day. */
	int64_t from_s, until_s;
	bool is_self_signed;
	bool is_client; /* key purpose: client, not server */
	unsigned rsa_bits; /* 0: an elliptic curve */
	bool is_sha1; /* signed over SHA-1, not SHA-256 */
};

/* Makes a folder of its own (tests/lib/temp.h), removed by certs_free(). */
struct certs *certs_new(void);
/* In a folder that exists and stays. */
struct certs *certs_new_in(const char *dir);
void certs_free(struct certs *c);

void certs_make(struct certs *c, const struct cert_spec *spec);
/* "DIR/NAME", for "ca.pem", "good.key" ...; borrowed until certs_free(). */
const char *certs_path(struct certs *c, const char *name);
/* The pin of DIR/FILE.pem, "sha256:BASE64"; the caller frees. */
char *certs_pin(struct certs *c, const char *file);

#endif
