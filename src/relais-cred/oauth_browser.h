/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_browser.h - receives the address to which the browser is sent at the
 * end of a sign-in: on a listener on the loopback, or as a line that the person
 * pastes.
 *
 * The lines of the conversation (cred/cred_wire.h) go both ways over standard
 * output.  The listener understands only the first line of a GET, and answers
 * 404 to everything that does not carry our `state'.
 */
#ifndef RELAIS_CRED_OAUTH_BROWSER_H
#define RELAIS_CRED_OAUTH_BROWSER_H

#include <stdint.h>

#include "base/must.h"

struct oauth_browser;

/* *ret_port is the port of the listener; 0: there is none, so the person must
 * paste the address. */
struct oauth_browser *oauth_browser_new(int *ret_port);
void oauth_browser_free(struct oauth_browser *b);

enum oauth_came {
	OAUTH_CAME_QUERY, /* *ret_query has our state; the caller frees it */
	OAUTH_CAME_WRONG, /* a pasted line does not have our state */
	OAUTH_CAME_END, /* the other side of the conversation is gone */
	OAUTH_CAME_TIMEOUT
};
/* Waits up to timeout_ms.  state NULL: waits only for the end or the timeout,
 * and drops lines. */
enum oauth_came oauth_browser_wait(struct oauth_browser *b, const char *state,
    int64_t timeout_ms, char **ret_query) MUST_CHECK;

#endif
