/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quiet.h - tells whether a loop waits for nothing but the time.
 *
 * For tests that have both ends of each connection: once the loop is quiet
 * nothing happens until the clock goes on, however slow the machine is, so that
 * the test can set the clock forward instead of waiting.
 */
#ifndef TESTS_LIB_QUIET_H
#define TESTS_LIB_QUIET_H

#include <poll.h>

#include "net/loop_inside.h"

/* Waits up to a millisecond for a descriptor.  What a worker does, and a
 * connection or a write that is not through, counts as a request. */
static inline bool
loop_is_quiet(struct loop *l)
{
	const uv_loop_t *uv = loop_uv(l);
	struct pollfd p = { .fd = uv_backend_fd(uv), .events = POLLIN };

	return uv_backend_timeout(uv) != 0 && poll(&p, 1, 1) == 0 &&
	       uv->active_reqs.count == 0;
}

#endif
