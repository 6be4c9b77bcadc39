/* SPDX-License-Identifier: GPL-3.0-or-later */
/* identity.h - sets the sender addresses of a message to those of its account.
 *
 * Providers check the envelope sender, From, Sender and the Resent- fields,
 * each in its own way.  So one policy decides about all of them, and no caller
 * can override it:
 *
 *	allow	an address stays if it is the account's or matches a pattern of
 *		the account, user+tag counting as user, else the account's
 *		address takes its place; a bare name never stays
 *	force	only the account's address stays
 *	keep	everything stays but the null sender (see below)
 *
 * Where From is replaced, the display name stays ("Cron Daemon").  Without one,
 * or where it is only the name of a user of this machine ("root"), the
 * account's full name is put in, else one is made from the old address ("root
 * on pve1").  From is left with one author, the first that may stay: many
 * providers refuse more.  Former authors whose addresses are valid elsewhere go
 * to Reply-To, unless that field is already set.  Sender is removed, because
 * From says it all.  A DKIM signature over a field that was changed is removed:
 * it would only prove a forgery.  Return-Path is removed whatever the mode is.
 *
 * The null sender is replaced in every mode where the provider does not accept
 * it, because otherwise no notice of ours could be sent.  Auto-Submitted is
 * then added: like the null sender, it says that nobody should answer (RFC
 * 3834).
 *
 * A correct field stays byte for byte.  Pure; applied on the way out, at each
 * attempt, to a copy of the header, because another account makes other
 * changes.
 */
#ifndef REWRITE_IDENTITY_H
#define REWRITE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "mail/addr.h"
#include "mail/header.h"

enum identity_mode { IDENTITY_ALLOW = 0, IDENTITY_FORCE, IDENTITY_KEEP };

struct identity_opts {
	enum identity_mode mode;
	const char *address; /* the account's own; NULL: as IDENTITY_KEEP */
	const char *full_name; /* or NULL */
	const char *const *allowed; /* patterns for str_match() */
	size_t nallowed;
	const char *hostname; /* used in display names that are made up */
	bool keeps_null_sender; /* the provider accepts mail from <> */
};

enum identity_change {
	IDENTITY_CHANGED_ENVELOPE = 1,
	IDENTITY_CHANGED_FROM = 2,
	IDENTITY_CHANGED_SENDER = 4,
	IDENTITY_CHANGED_RESENT = 8, /* Resent-From, Resent-Sender */
	IDENTITY_ADDED_REPLY_TO = 16,
	IDENTITY_REMOVED_SIGNATURE = 32,
	IDENTITY_REMOVED_RETURN_PATH = 64,
	IDENTITY_ADDED_AUTO_SUBMITTED = 128
};

struct identity_result {
	char sender[ADDR_MAX + 1]; /* for the envelope */
	/* the From address that was replaced, or ""; for the log */
	char old_from[ADDR_MAX + 1];
	unsigned changed; /* enum identity_change, or-ed; 0: nothing */
};

/* True: the account may send as this address. */
bool identity_allows(const struct identity_opts *opts, const char *addr);

/* Applies the policy to the header.  sender must pass addr_is_safe().  False:
 * the header has no room for the changes; it is half changed and must not be
 * sent. */
bool identity_apply(struct header *h, const char *sender,
    const struct identity_opts *opts, struct identity_result *ret) MUST_CHECK;

#endif
