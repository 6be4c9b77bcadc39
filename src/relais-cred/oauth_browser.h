/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_browser.h - receives the address at which the browser ends: by a
 * listener on the loopback, or as a line of the
 * conversation (cred/cred_wire.h), which goes both ways over the standard
 * output.
 *
 * Of HTTP the listener knows the first line of a GET.  Anything that does not
 * carry our `state' is answered with 404 and otherwise ignored.
 */
#ifndef RELAIS_CRED_OAUTH_BROWSER_H
#define RELAIS_CRED_OAUTH_BROWSER_H

#include <stdint.h>

#include "base/must.h"

struct oauth_browser;

/* port is that of the listener, 0 if there is none: then only the paste is
 * left. */
struct oauth_browser *oauth_browser_new(int *ret_port);
void oauth_browser_free(struct oauth_browser *b);

enum oauth_came {
	OAUTH_CAME_QUERY, /* *ret_query, the caller's: it carries our state */
	OAUTH_CAME_WRONG, /* a line was pasted that does not */
	OAUTH_CAME_END, /* nobody is there any more */
	OAUTH_CAME_TIMEOUT
};
/* Waits up to timeout_ms; state NULL: for the end or the timeout only, and
 * lines are dropped. */
enum oauth_came oauth_browser_wait(struct oauth_browser *b, const char *state,
    int64_t timeout_ms, char **ret_query) MUST_CHECK;

#endif
