/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locals.h - names of this machine in To, Cc and Reply-To.
 *
 * Providers look there too and refuse "To: root", and an answer would go astray,
 * or to a stranger whose server completes the name.  So what is done to the recipients of the envelope is done
 * to these fields: the name is replaced by those who get its mail, each once,
 * with the display name that was there; a name that leads nowhere is taken out.
 * A field without any such name stays byte for byte.
 *
 * Pure; done on the way in, for it does not depend on the account.
 */
#ifndef FIXUP_LOCALS_H
#define FIXUP_LOCALS_H

#include <stdbool.h>

#include "base/must.h"
#include "mail/addr_list.h"
#include "mail/header.h"

struct locals_opts {
	/* Is this a name to be looked up? */
	bool (*is_local)(void *ctx, const char *addr);
	/* Adds who gets its mail, unless they are in the list already; false:
	 * nobody does. */
	bool (*resolve)(void *ctx, const char *addr, struct addr_list *to);
	void *ctx;
};

/* To, Cc, Reply-To, Resent-To, Resent-Cc.  False: the header has no room. */
bool locals_repair(struct header *h, const struct locals_opts *o) MUST_CHECK;

#endif
