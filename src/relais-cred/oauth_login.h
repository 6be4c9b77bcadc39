/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_login.h - a person signs in, in a conversation of lines
 * (cred/cred_wire.h).
 *
 * By a code that is typed on any device (RFC 8628), or by a page in a browser
 * (RFC 6749 4.1 with RFC 7636 S256 and RFC 8252), whose answer comes to a
 * listener of ours on the loopback or is pasted, whichever is first.
 *
 * Blocks for as long as the person takes, a quarter of an hour at most for each
 * way, in a process of its own that the caller does not wait for; ends when the
 * other side does.
 */
#ifndef RELAIS_CRED_OAUTH_LOGIN_H
#define RELAIS_CRED_OAUTH_LOGIN_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* Says its own "done" or "fail". */
enum cred_result oauth_login(const struct cred_wire *w) MUST_CHECK;

#endif
