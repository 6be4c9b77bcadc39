/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_jwt.h - the statement with which a program gets a token without a
 * person (RFC 7523), signed with RS256 by the key that jwt_key_file names.
 *
 * Blocks on the disk.  The key is wiped before the call returns.
 */
#ifndef RELAIS_CRED_OAUTH_JWT_H
#define RELAIS_CRED_OAUTH_JWT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* Appends the statement.  now_s: the wall clock, from which it is valid. */
enum cred_result oauth_jwt(const struct cred_wire *w, int64_t now_s,
    struct buf *to, struct err *err) MUST_CHECK;

#endif
