/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_wire.h - the protocol between the daemon and relais-cred.
 *
 *	request  = *( KEY " " VALUE LF )                     on its input
 *	answer   = the secret, to the end of the pipe        on its output
 *	sentence = why not                                   on its error output
 *	exit     = 0 ok, 1 try later, 2 a person must help
 *
 * Keys: want (command, keyring), account, command, host, login, timeout_ms.  No
 * value contains a line feed, because no setting does.  Both sides are always
 * of the same build, so there is no version.
 *
 * Pure.
 */
#ifndef CRED_CRED_WIRE_H
#define CRED_CRED_WIRE_H

#include <stdint.h>

#include "base/must.h"
#include "cred/cred.h"

enum { CRED_WIRE_MAX = 16384 };

/* A request as the helper reads it; strings are borrowed from the text. */
struct cred_wire {
	enum cred_kind kind; /* CRED_COMMAND or CRED_KEYRING */
	const char *account, *command, *host, *login; /* "" if not given */
	int64_t timeout_ms;
};

/* False: it does not fit, or a value holds a line feed. */
bool cred_wire_put(struct buf *to, const struct cred_wire *w) MUST_CHECK;
/* Cuts text up in place.  False: it is not a request. */
bool cred_wire_parse(char *text, struct cred_wire *ret) MUST_CHECK;

#endif
