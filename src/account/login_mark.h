/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login_mark.h - remembers which login a hold is about, so that it is
 * recognised after a restart.
 *
 * The tags are keyed hashes, with a new key for each hold.  They are so short
 * that a password cannot be learnt from them; one change in 65,536 is not
 * noticed and waits for the regular retry.
 *
 * A value without I/O.
 */
#ifndef ACCOUNT_LOGIN_MARK_H
#define ACCOUNT_LOGIN_MARK_H

#include <stdbool.h>

#include "account/account_opts.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/siphash.h"

struct login_mark {
	bool is_set;
	/* the hold is about the secret, or about its absence */
	bool has_secret;
	unsigned char key[SIPHASH_KEY_BYTES];
	unsigned login, secret;
};

/* The hold is about this login, whatever its secret. */
void login_mark_set(
    struct login_mark *m, const struct account_opts *o, const struct rng *rng);
/* The hold is about this secret as well, or about its absence (NULL).  After
 * login_mark_set(). */
void login_mark_set_secret(struct login_mark *m, const struct secret *secret);

/* True: the hold is about this login, or this secret.  Ask only if is_set, or
 * has_secret. */
bool login_mark_fits(const struct login_mark *m, const struct account_opts *o);
bool login_mark_fits_secret(
    const struct login_mark *m, const struct secret *secret);

/* Saves the mark as one line; reads it.  A line that makes no sense leaves m
 * unchanged. */
void login_mark_save(const struct login_mark *m, struct buf *to);
void login_mark_load(struct login_mark *m, const char *line);

#endif
