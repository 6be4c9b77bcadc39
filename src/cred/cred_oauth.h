/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_oauth.h - everything that is known about an OAuth2 sign-in before it
 * happens: the provider's endpoints, the client, and where tokens are kept.
 *
 * A list of texts, each with a name.  The file of endpoints (conf/oauth2), the
 * settings of an account, and the request to relais-cred all use these names.
 *
 * Pure.
 */
#ifndef CRED_CRED_OAUTH_H
#define CRED_CRED_OAUTH_H

#include <stdbool.h>
#include <stddef.h>

enum cred_oauth_key {
	/* In the file of endpoints. */
	CRED_OAUTH_ISSUER,
	CRED_OAUTH_DEVICE, /* device authorisation endpoint; may be missing */
	CRED_OAUTH_AUTHORIZE,
	CRED_OAUTH_TOKEN,
	CRED_OAUTH_REGISTRATION, /* of clients, RFC 7591; not used yet */
	CRED_OAUTH_SCOPE, /* blank separated */
	CRED_OAUTH_SCOPE_UNATTENDED, /* for the flows client and jwt */
	CRED_OAUTH_REDIRECT, /* without the port, http://localhost */
	CRED_OAUTH_QUERY, /* more parameters for authorize, "a=b&c=d" */
	CRED_OAUTH_TENANT, /* default of TENANT in the other texts */
	CRED_OAUTH_CLIENT_ID,
	CRED_OAUTH_UNUSED_DAYS, /* lifetime of an unused refresh token */
	/* Settings of the account. */
	CRED_OAUTH_CLIENT_SECRET_FILE,
	CRED_OAUTH_CLIENT_SECRET_CREDENTIAL, /* of the service manager */
	CRED_OAUTH_JWT_KEY_FILE,
	CRED_OAUTH_JWT_KEY_CREDENTIAL,
	CRED_OAUTH_FLOW, /* auto, device, browser, client, jwt */
	CRED_OAUTH_FOLDER, /* of the token files */
	CRED_OAUTH_KEYS
};
enum { CRED_OAUTH_ROW_KEYS = CRED_OAUTH_UNUSED_DAYS + 1 };

struct cred_oauth {
	char *v[CRED_OAUTH_KEYS]; /* owned; NULL if not known */
};

extern const char *const cred_oauth_names[CRED_OAUTH_KEYS];

/* The key with this name among the first n keys, or -1. */
int cred_oauth_key(const char *name, size_t n);

/* Sets a text; copies value. */
void cred_oauth_set(
    struct cred_oauth *o, enum cred_oauth_key key, const char *value);
/* "" if not known; borrowed. */
const char *cred_oauth_get(const struct cred_oauth *o, enum cred_oauth_key key);
/* True: the flow is one for programs (client, jwt), which needs no sign-in. */
bool cred_oauth_is_unattended(const struct cred_oauth *o);
void cred_oauth_free(struct cred_oauth *o); /* NULL is allowed */
/* NULL equals only NULL. */
bool cred_oauth_eq(const struct cred_oauth *a, const struct cred_oauth *b);

#endif
