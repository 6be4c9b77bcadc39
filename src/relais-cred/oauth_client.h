/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_client.h - an account as a client of its token server: where its token
 * file is, and how it proves its identity (RFC 6749 2.3.1).
 *
 * Blocks on the disk.
 */
#ifndef RELAIS_CRED_OAUTH_CLIENT_H
#define RELAIS_CRED_OAUTH_CLIENT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "cred/cred.h"
#include "cred/cred_oauth.h"

struct cred_wire;
struct oauth_store;

/* Opens the account's token file, and waits up to wait_ms for its lock. */
int oauth_open(const struct cred_wire *w, int64_t wait_ms,
    struct oauth_store **ret, struct err *err) MUST_CHECK;
/* The path of the file that one of two settings names: a path, or a credential
 * of the service manager.  For the caller to free; NULL: neither is set. */
int oauth_secret_path(const struct cred_wire *w, enum cred_oauth_key file,
    enum cred_oauth_key credential, char **ret, struct err *err) MUST_CHECK;
/* Appends client_id and, if there is one, client_secret. */
enum cred_result oauth_add_client(
    struct buf *form, const struct cred_wire *w, struct err *err) MUST_CHECK;

#endif
