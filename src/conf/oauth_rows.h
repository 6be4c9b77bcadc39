/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_rows.h - the OAuth2 endpoints of providers.
 *
 * They are data, not code: rows in the file src/conf/oauth2, whose header
 * describes the format.  The rows are built into the programs; the
 * administrator can add more.
 *
 * Only oauth_rows_read() blocks on the disk.
 */
#ifndef CONF_OAUTH_ROWS_H
#define CONF_OAUTH_ROWS_H

#include "base/err.h"
#include "base/must.h"
#include "cred/cred_oauth.h"

struct oauth_rows;

/* The built-in rows. */
struct oauth_rows *oauth_rows_new(void);
void oauth_rows_free(struct oauth_rows *rows);

/* Adds the rows of a file; a row replaces one with the same key.  An invalid
 * row ends the reading: -1, and err says what is wrong. */
int oauth_rows_read(
    struct oauth_rows *rows, const char *file, struct err *err) MUST_CHECK;

/* A copy of the row for "KEY" or "KEY:TENANT", for the caller to free.  NULL:
 * err says why, with the nearest key. */
struct cred_oauth *oauth_rows_find(
    const struct oauth_rows *rows, const char *spec, struct err *err);

#endif
