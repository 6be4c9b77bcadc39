/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_jwt.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

#include "cred/cred_file.h"
#include "cred/cred_wire.h"
#include "relais-cred/oauth_answer.h"
#include "relais-cred/oauth_client.h"

enum { JWT_LIFE_S = 3000, KEY_FILE_MAX = 65536 };

/* A service account's JSON has both, a PEM file only the key. */
struct key_file {
	gnutls_datum_t text;
	json_t *json;
	const char *issuer, *pem;
	char *path;
};

static enum cred_result
read_key_file(const struct cred_wire *w, struct key_file *ret, struct err *err)
{
	struct secret *first = NULL;
	const char *path;

	*ret = (struct key_file) { .json = NULL };
	if (oauth_secret_path(w, CRED_OAUTH_JWT_KEY_FILE,
		CRED_OAUTH_JWT_KEY_CREDENTIAL, &ret->path, err) != 0)
		return CRED_NEVER;
	path = ret->path != NULL ? ret->path : "";
	/* For its checks: who may read it, and who could replace it. */
	if (cred_file_read_below(path, w->credentials, w->group, &first, err) !=
	    0)
		return CRED_NEVER;
	secret_free(first);
	if (gnutls_load_file(path, &ret->text) != 0) {
		err_set(err, ERR_SECRET, "cannot read %s", path);
		return CRED_NEVER;
	}
	ret->pem = (const char *)ret->text.data;
	ret->issuer = cred_oauth_get(&w->oauth, CRED_OAUTH_CLIENT_ID);
	ret->json = json_loadb(ret->pem, ret->text.size, 0, NULL);
	if (json_is_object(ret->json)) {
		const char *mail = json_string_value(
		    json_object_get(ret->json, "client_email"));

		ret->pem = json_string_value(
		    json_object_get(ret->json, "private_key"));
		if (ret->issuer[0] == '\0' && mail != NULL)
			ret->issuer = mail;
	}
	if (ret->pem != NULL && ret->issuer[0] != '\0')
		return CRED_OK;
	err_set(err, ERR_SECRET,
	    "%s is neither the JSON of a service account nor a PEM key with "
	    "client_id set",
	    path);
	return CRED_NEVER;
}

static void
key_file_clear(struct key_file *k)
{
	if (k->text.data != NULL)
		explicit_bzero(k->text.data, k->text.size);
	gnutls_free(k->text.data);
	json_decref(k->json);
	free(k->path);
}

/* base64url(header) "." base64url(claims) */
static bool
put_claims(const struct cred_wire *w, const char *issuer, int64_t now_s,
    struct buf *to)
{
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss",
	    issuer, "sub", w->login, "scope",
	    cred_oauth_get(&w->oauth, CRED_OAUTH_SCOPE_UNATTENDED), "aud",
	    cred_oauth_get(&w->oauth, CRED_OAUTH_TOKEN), "iat",
	    (json_int_t)now_s, "exp", (json_int_t)(now_s + JWT_LIFE_S));
	char *text = json_dumps(claims, JSON_COMPACT);
	bool ok = text != NULL &&
		  oauth_base64url(
		      to, bytes_str("{\"alg\":\"RS256\",\"typ\":\"JWT\"}")) &&
		  buf_addc(to, '.') && oauth_base64url(to, bytes_str(text));

	free(text);
	json_decref(claims);
	return ok;
}

static bool
sign(const char *pem, struct buf *to)
{
	gnutls_datum_t key = { (unsigned char *)(uintptr_t)pem,
		(unsigned)strlen(pem) };
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)buf_str(to),
		(unsigned)buf_len(to) };
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_privkey_t priv;
	bool ok;

	if (gnutls_privkey_init(&priv) != 0)
		return false;
	ok = gnutls_privkey_import_x509_raw(
		 priv, &key, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
	     gnutls_privkey_sign_data2(
		 priv, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature) == 0 &&
	     buf_addc(to, '.') &&
	     oauth_base64url(to, bytes_of(signature.data, signature.size));
	gnutls_free(signature.data);
	gnutls_privkey_deinit(priv);
	return ok;
}

enum cred_result
oauth_jwt(
    const struct cred_wire *w, int64_t now_s, struct buf *to, struct err *err)
{
	struct key_file k;
	enum cred_result r = read_key_file(w, &k, err);

	if (r == CRED_OK &&
	    (!put_claims(w, k.issuer, now_s, to) || !sign(k.pem, to))) {
		err_set(err, ERR_SECRET,
		    "the key in %s cannot sign: it is not an RSA key", k.path);
		r = CRED_NEVER;
	}
	key_file_clear(&k);
	return r;
}
