/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_client.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cred/cred_file.h"
#include "cred/cred_wire.h"
#include "relais-cred/oauth_answer.h"
#include "relais-cred/oauth_store.h"

int
oauth_open(const struct cred_wire *w, int64_t wait_ms, struct oauth_store **ret,
    struct err *err)
{
	char *key = xasprintf("%s/relais-oauth-key", w->credentials);
	int rc = oauth_store_open(cred_oauth_get(&w->oauth, CRED_OAUTH_FOLDER),
	    w->account,
	    w->credentials[0] != '\0' && access(key, F_OK) == 0 ? key : "",
	    wait_ms, ret, err);

	free(key);
	return rc;
}

int
oauth_secret_path(const struct cred_wire *w, enum cred_oauth_key file,
    enum cred_oauth_key credential, char **ret, struct err *err)
{
	const char *name = cred_oauth_get(&w->oauth, credential);

	if (name[0] != '\0')
		return cred_file_of_credential(w->credentials, name, ret, err);
	*ret = cred_oauth_get(&w->oauth, file)[0] != '\0'
		   ? xstrdup(cred_oauth_get(&w->oauth, file))
		   : NULL;
	return 0;
}

enum cred_result
oauth_add_client(struct buf *form, const struct cred_wire *w, struct err *err)
{
	struct secret *s = NULL;
	char *file;
	int rc;
	bool ok = oauth_query_add(
	    form, "client_id", cred_oauth_get(&w->oauth, CRED_OAUTH_CLIENT_ID));

	if (oauth_secret_path(w, CRED_OAUTH_CLIENT_SECRET_FILE,
		CRED_OAUTH_CLIENT_SECRET_CREDENTIAL, &file, err) != 0)
		return CRED_NEVER;
	if (file != NULL) {
		rc = cred_file_read_below(
		    file, w->credentials, w->group, &s, err);
		free(file);
		if (rc != 0)
			return CRED_NEVER;
		ok = ok &&
		     oauth_query_add(form, "client_secret", secret_bytes(s).p);
		secret_free(s);
	}
	if (ok)
		return CRED_OK;
	err_set(err, ERR_SECRET, "the client secret is too long");
	return CRED_NEVER;
}
