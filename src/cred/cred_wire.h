/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_wire.h - the protocol between the daemon and relais-cred.
 *
 *	request  = *( KEY " " VALUE LF ) LF                  on its input
 *	answer   = [ facts ] the secret, to the end of the pipe    on its output
 *	facts    = *( KEY " " VALUE LF ) LF                  for want oauth
 *	sentence = why not                                   on its error output
 *	exit     = 0 ok, 1 try later, 2 a person must help
 *
 * Keys: want (command, keyring, oauth, login), account, command, host, login,
 * timeout_ms; for oauth and login besides need, refused, group, credentials,
 * and oauth_ with each name of cred_oauth.h.  No value contains a line feed,
 * because no setting does.  Both sides are always of the same build, so there
 * is no version.
 *
 * "want login" is a conversation of lines, both ways over the output, which is
 * a socket:
 *
 *	from relais-cred  open URL         to be opened in a browser
 *	                  code CODE        to be typed there
 *	                  ask paste        a line is wanted
 *	                  note SENTENCE
 *	                  done SENTENCE    the end: the token file is written
 *	                  fail SENTENCE    the end
 *	to relais-cred    the line that was asked for
 *
 * Pure.
 */
#ifndef CRED_CRED_WIRE_H
#define CRED_CRED_WIRE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "cred/cred.h"
#include "cred/cred_oauth.h"

enum { CRED_WIRE_MAX = 16384 };

/* A request as the helper reads it; strings are borrowed from its text. */
struct cred_wire {
	enum cred_kind kind; /* CRED_COMMAND, CRED_KEYRING or CRED_OAUTH */
	bool is_login; /* CRED_OAUTH: a person signs in */
	const char *account, *command, *host, *login; /* "" if not given */
	int64_t timeout_ms;
	struct cred_oauth oauth; /* borrowed as well */
	enum cred_need need;
	uint64_t refused;
	/* the folder of systemd's credentials, or "" */
	const char *credentials;
	gid_t group; /* may read secret files */
};

/* False: it does not fit, or a value holds a line feed. */
bool cred_wire_put(struct buf *to, const struct cred_wire *w) MUST_CHECK;
/* Parses text, which is changed.  False: not a request. */
bool cred_wire_parse(char *text, struct cred_wire *ret) MUST_CHECK;

/* Appends facts.  False: no room. */
bool cred_facts_put(struct buf *to, const struct cred_facts *f) MUST_CHECK;
/* Takes facts off the front.  False: they are incomplete. */
bool cred_facts_take(struct bytes *from, struct cred_facts *ret) MUST_CHECK;

#endif
