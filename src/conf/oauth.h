/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - where the providers give out OAuth2 tokens.
 *
 * Data, not code: the rows are in the file src/conf/oauth2, whose header has
 * the format.  They are built into the programs; the administrator can add
 * more.
 *
 * Blocks on the disk in oauth_rows_read() only.
 */
#ifndef CONF_OAUTH_H
#define CONF_OAUTH_H

#include "base/err.h"
#include "base/must.h"
#include "cred/cred_oauth.h"

struct oauth_rows;

/* The rows as they were when this program was built. */
struct oauth_rows *oauth_rows_new(void);
void oauth_rows_free(struct oauth_rows *rows);

/* Adds the rows of a file, in place of rows with the same key.  A row that is
 * wrong stops it with one sentence. */
int oauth_rows_read(
    struct oauth_rows *rows, const char *file, struct err *err) MUST_CHECK;

/* A copy of the row for "KEY" or "KEY:TENANT", for the caller to free.  NULL:
 * err says why, with the nearest key. */
struct cred_oauth *oauth_rows_find(
    const struct oauth_rows *rows, const char *spec, struct err *err);

#endif
