/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_oauth.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

const char *const cred_oauth_names[CRED_OAUTH_KEYS] = {
	[CRED_OAUTH_ISSUER] = "issuer",
	[CRED_OAUTH_DEVICE] = "device",
	[CRED_OAUTH_AUTHORIZE] = "authorize",
	[CRED_OAUTH_TOKEN] = "token",
	[CRED_OAUTH_REGISTRATION] = "registration",
	[CRED_OAUTH_SCOPE] = "scope",
	[CRED_OAUTH_SCOPE_UNATTENDED] = "scope_unattended",
	[CRED_OAUTH_REDIRECT] = "redirect",
	[CRED_OAUTH_QUERY] = "query",
	[CRED_OAUTH_TENANT] = "tenant",
	[CRED_OAUTH_CLIENT_ID] = "client_id",
	[CRED_OAUTH_UNUSED_DAYS] = "unused_days",
	[CRED_OAUTH_CLIENT_SECRET_FILE] = "client_secret_file",
	[CRED_OAUTH_CLIENT_SECRET_CREDENTIAL] = "client_secret_credential",
	[CRED_OAUTH_JWT_KEY_FILE] = "jwt_key_file",
	[CRED_OAUTH_JWT_KEY_CREDENTIAL] = "jwt_key_credential",
	[CRED_OAUTH_FLOW] = "flow",
	[CRED_OAUTH_FOLDER] = "folder",
};

int
cred_oauth_key(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(cred_oauth_names[i], name) == 0)
			return (int)i;
	return -1;
}

void
cred_oauth_set(struct cred_oauth *o, enum cred_oauth_key key, const char *value)
{
	free(o->v[key]);
	o->v[key] = xstrdup(value);
}

const char *
cred_oauth_get(const struct cred_oauth *o, enum cred_oauth_key key)
{
	return o->v[key] != NULL ? o->v[key] : "";
}

bool
cred_oauth_is_unattended(const struct cred_oauth *o)
{
	const char *flow = cred_oauth_get(o, CRED_OAUTH_FLOW);

	return strcmp(flow, "client") == 0 || strcmp(flow, "jwt") == 0;
}

void
cred_oauth_free(struct cred_oauth *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < CRED_OAUTH_KEYS; i++)
		free(o->v[i]);
	free(o);
}

bool
cred_oauth_eq(const struct cred_oauth *a, const struct cred_oauth *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	for (size_t i = 0; i < CRED_OAUTH_KEYS; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}
