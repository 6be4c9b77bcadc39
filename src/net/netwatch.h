/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netwatch.h - reports when the network of this machine has changed.
 *
 * An address or a route was added or removed (rtnetlink(7)), so what was
 * unreachable may be reachable now.  Plugging in a cable causes a dozen
 * messages within a second or two; they are reported as one change,
 * NETWATCH_QUIET_MS after the last message and at most NETWATCH_LONGEST_MS
 * after the first.  Needs no privilege.  Does not block.
 */
#ifndef NET_NETWATCH_H
#define NET_NETWATCH_H

#include "base/err.h"

struct loop;
struct netwatch;

enum { NETWATCH_QUIET_MS = 1000, NETWATCH_LONGEST_MS = 5000 };

int netwatch_new(struct loop *l, void (*changed)(void *ctx), void *ctx,
    struct netwatch **ret, struct err *err);
void netwatch_free(struct netwatch *w);

#endif
