/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_store.h - the token file of one account, and the lock that makes us the
 * only one to refresh it.
 *
 * FOLDER/ACCOUNT.json, 0600 in a folder 0700, replaced as a whole and synced.
 * A server that gives out a new refresh token at each use takes the second use
 * of an old one for a theft and ends them all; so the one that refreshes holds
 * the lock, reads the file again, and has the new token on the disk before
 * anybody uses what came with it.
 *
 * With a key (the content of a file, a systemd credential) it is sealed:
 * AES-256-GCM, a random nonce at each write, the account's name as associated
 * data.
 *
 * Blocks.
 */
#ifndef RELAIS_CRED_OAUTH_STORE_H
#define RELAIS_CRED_OAUTH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

/* Owned strings, NULL if not known.  Times: seconds of the wall clock, but for
 * obtained_boot_ms, which counts within the boot named by boot_id. */
struct oauth_token {
	uint64_t serial; /* grows with each access token; 0: there is none */
	char *client_id, *token_url, *scope, *login;
	char *user; /* who signed in, as far as the provider said */
	char *access, *refresh;
	char *needs_login; /* why nothing but a new sign-in helps */
	char *boot_id;
	int64_t signed_in_s, refreshed_s, obtained_s, obtained_boot_ms;
	int64_t expires_s; /* lifetime of access, from when it was asked for */
	int64_t not_before_s; /* the server wants no question before */
};
void oauth_token_clear(struct oauth_token *t);

/* Parses the text of a token file.  False: the text is not one.  Pure. */
bool oauth_token_parse(struct bytes text, struct oauth_token *ret) MUST_CHECK;

struct oauth_now {
	int64_t wall_s, boot_ms;
	char boot_id[64];
};
void oauth_now(struct oauth_now *ret);
/* How long the access token still lives; 0: not at all, or who knows.  Pure: by
 * the boot clock within one boot, else by the wall clock if that can be. */
int64_t oauth_token_left_ms(
    const struct oauth_token *t, const struct oauth_now *now);

struct oauth_store;

/* Makes the folder, waits for the lock.  key_file "": not sealed. */
int oauth_store_open(const char *folder, const char *account,
    const char *key_file, int64_t timeout_ms, struct oauth_store **ret,
    struct err *err) MUST_CHECK;
void oauth_store_close(struct oauth_store *s); /* NULL is allowed */
/* *ret has serial 0 if there is no file. */
int oauth_store_read(
    struct oauth_store *s, struct oauth_token *ret, struct err *err) MUST_CHECK;
/* Makes sure that there will be room for a write, before something is asked for
 * that must not be lost; a signal to stop waits until oauth_store_close(). */
int oauth_store_reserve(struct oauth_store *s, struct err *err) MUST_CHECK;
int oauth_store_write(struct oauth_store *s, const struct oauth_token *t,
    struct err *err) MUST_CHECK;

#endif
