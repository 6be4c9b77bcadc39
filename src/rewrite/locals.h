/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locals.h - rewrites address fields, so that every mail program reads them
 * alike and no local name of this machine is left.
 *
 * Providers refuse "To: root", and a reply would be lost or reach a stranger
 * whose server completes the name.  So these fields are treated as the
 * recipients of the envelope are: the name is replaced by those who get its
 * mail, each once, with the display name that was there; a name that leads
 * nowhere is removed.  Delivered-To and the like are removed if they name this
 * machine: with the new address in them a server could see a loop.
 *
 * "Smith, John <john@example.net>" has a comma in a name without quotes: words
 * that are not a name of this machine belong to the name that follows, and are
 * removed if there is none.  "To: undisclosed-recipients" in any spelling names
 * nobody.  Obsolete forms are written in the form that the envelope has (RFC
 * 5322 4.4, RFC 6409 8).
 *
 * A field without any of this stays byte for byte.  Pure; done on the way in,
 * because it does not depend on the account.
 */
#ifndef REWRITE_LOCALS_H
#define REWRITE_LOCALS_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/addr_list.h"
#include "mail/header.h"

struct envelope;

struct locals_opts {
	/* True: addr is a local name, to be looked up. */
	bool (*is_local)(void *ctx, const char *addr);
	/* Adds the recipients of mail for addr, unless the list has them
	 * already.  False: there are none. */
	bool (*resolve)(void *ctx, const char *addr, struct addr_list *to);
	/* True: there is a user or an alias of this name.  NULL: every bare
	 * word is one. */
	bool (*is_name)(void *ctx, const char *word);
	void *ctx;
};

/* Rewrites all such fields.  What was guessed is added to *notes
 * (rewrite/notes.h).  False: the header has no room. */
bool locals_repair(
    struct header *h, const struct locals_opts *o, unsigned *notes) MUST_CHECK;

/* A recipient as the client gave it. */
struct locals_rcpt {
	const char *addr;
	const char *orcpt; /* or NULL */
	unsigned notify;
};
/* Adds a recipient to the envelope; a name of this machine is replaced by those
 * who get its mail.  Nobody is added twice: known has all recipients of this
 * envelope; it begins empty, and the caller clears it.  False: nobody gets the
 * mail; refuse with LOCALS_NOBODY. */
bool locals_add_rcpt(const struct locals_opts *o, const char *hostname,
    struct envelope *env, struct addr_list *known,
    const struct locals_rcpt *given) MUST_CHECK;
#define LOCALS_NOBODY                                                          \
	"nobody on this machine reads mail for this name, and no alias leads " \
	"elsewhere: set admin in [relais]"
/* A copy of an envelope with all its recipients added as above, for the caller
 * to free.  *ret_is_whole false: nobody gets the mail for one of them. */
struct envelope *locals_envelope(const struct locals_opts *o,
    const char *hostname, const struct envelope *given, bool *ret_is_whole);

#endif
