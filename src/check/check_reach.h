/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_reach.h - the part of a check that finds out through which ports a host
 * can be reached: the stages dns and tcp.
 *
 * All ports are tried at once, each over IPv4 and IPv6.  If none answers, other
 * ports of the host and the same ports of a witness, another provider, are
 * tried for comparison; nothing is sent to them.  Nothing blocks.
 */
#ifndef CHECK_CHECK_REACH_H
#define CHECK_CHECK_REACH_H

#include <stdint.h>

#include "account/port_memory.h"
#include "check/check_result.h"

struct check_reach;
struct loop;
struct stream;

struct check_reach_opts { /* borrowed until the end */
	const char *host;
	const struct account_port *ports; /* in order of preference */
	size_t nports;
	const char *witness; /* a host; NULL: none */
	int64_t connect_ms;
};

/* A port that answers, the best first. */
struct check_way {
	struct account_port port;
	int family;
	struct stream *stream; /* of the first way; its user takes it over */
};

/* told() is called for each result; over() once, last, with n ways that are
 * borrowed for the call.  The reach may be freed from within over(). */
struct check_reach_hooks {
	void (*told)(void *ctx, const struct check_result *r);
	void (*over)(void *ctx, struct check_way *ways, size_t n);
	void *ctx;
};

struct check_reach *check_reach_new(struct loop *l,
    const struct check_reach_opts *opts, const struct check_reach_hooks *hooks);
void check_reach_free(struct check_reach *r);

#endif
