/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_store.h - the token file of one account, and the lock that lets only
 * one process refresh it.
 *
 * The file is FOLDER/ACCOUNT.json, 0600 in a folder 0700, replaced as a whole
 * and synced.  A server that gives out a new refresh token at each use takes a
 * second use of an old one for a theft and revokes them all.  So the process
 * that refreshes holds the lock, reads the file again, and has the new token on
 * the disk before anything uses it.
 *
 * With a key (the content of a file, a systemd credential) the file is sealed:
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

/* Owned strings, NULL if not known.  Times are seconds of the wall clock,
 * except obtained_boot_ms, which counts within the boot named by boot_id. */
struct oauth_token {
	uint64_t serial; /* grows with each access token; 0: there is none */
	char *client_id, *token_url, *scope, *login;
	char *user; /* who signed in, if the provider said it */
	char *access, *refresh;
	char *needs_login; /* why only a new sign-in helps */
	char *boot_id;
	int64_t signed_in_s, refreshed_s, obtained_s, obtained_boot_ms;
	int64_t expires_s; /* lifetime of access from the request on */
	int64_t not_before_s; /* the server wants no request before this */
};
void oauth_token_clear(struct oauth_token *t);

/* Parses the text of a token file.  False: the text is not one.  Pure. */
bool oauth_token_parse(struct bytes text, struct oauth_token *ret) MUST_CHECK;

struct oauth_now {
	int64_t wall_s, boot_ms;
	char boot_id[64];
};
void oauth_now(struct oauth_now *ret);
/* The remaining lifetime of the access token; 0: expired, or not known.  By the
 * boot clock within one boot, else by the wall clock if that is plausible.
 * Pure. */
int64_t oauth_token_left_ms(
    const struct oauth_token *t, const struct oauth_now *now);

struct oauth_store;

/* Creates the folder, and waits for the lock.  key_file "": not sealed. */
int oauth_store_open(const char *folder, const char *account,
    const char *key_file, int64_t timeout_ms, struct oauth_store **ret,
    struct err *err) MUST_CHECK;
void oauth_store_close(struct oauth_store *s); /* NULL is allowed */
/* Reads the file.  *ret has serial 0 if there is no file. */
int oauth_store_read(
    struct oauth_store *s, struct oauth_token *ret, struct err *err) MUST_CHECK;
/* Makes sure that there will be room for a write, before a request whose answer
 * must not be lost.  A signal to stop is held back until
 * oauth_store_close(). */
int oauth_store_reserve(struct oauth_store *s, struct err *err) MUST_CHECK;
int oauth_store_write(struct oauth_store *s, const struct oauth_token *t,
    struct err *err) MUST_CHECK;

#endif
