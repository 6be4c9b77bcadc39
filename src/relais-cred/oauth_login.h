/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_login.h - lets a person sign in, in a conversation of lines
 * (cred/cred_wire.h).
 *
 * Either with a code that is typed on any device (RFC 8628), or with a page in
 * a browser (RFC 6749 4.1 with RFC 7636 S256 and RFC 8252), whose answer
 * arrives at our listener on the loopback or is pasted, whichever comes first.
 *
 * Blocks for as long as the person takes, at most a quarter of an hour for each
 * way, in a process of its own that the caller does not wait for; ends when the
 * other side does.
 */
#ifndef RELAIS_CRED_OAUTH_LOGIN_H
#define RELAIS_CRED_OAUTH_LOGIN_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* Ends the conversation itself, with "done" or "fail". */
enum cred_result oauth_login(const struct cred_wire *w) MUST_CHECK;

#endif
