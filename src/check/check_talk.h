/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_talk.h - the part of a check that speaks with the server over one
 * connection: the stages tls, ehlo, secret, auth, mail and send.
 *
 * It uses the engine, the mechanisms and the login that deliveries use, so a
 * delivery would find the same.  Nothing blocks.
 */
#ifndef CHECK_CHECK_TALK_H
#define CHECK_CHECK_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "account/port_memory.h"
#include "base/rng.h"
#include "check/check_result.h"

struct account_opts;
struct check_talk;
struct loop;
struct stream;

/* Borrowed; account and the strings must outlive the talk. */
struct check_talk_opts {
	struct account_opts *account;
	const char *secret_from, *send_to; /* or NULL */
	const struct rng *rng;
	struct account_port port;
	int family;
	struct stream *stream; /* connected; taken over */
	unsigned names_refused; /* names refused in EHLO in earlier talks */
	/* Only find out whether this port speaks TLS at once; nothing is
	 * reported. */
	bool is_tls_probe;
	int64_t step_ms;
};

enum check_talk_fault {
	CHECK_TALK_FINE, /* every stage succeeded */
	CHECK_TALK_FAILED, /* a stage failed; failure says which and why */
	CHECK_TALK_WRONG_PORT, /* likewise, but another port may work */
	CHECK_TALK_SILENT, /* likewise: connected, but no greeting */
	/* our EHLO name was refused; another may be accepted */
	CHECK_TALK_ANOTHER_NAME
};

struct check_talk_end { /* borrowed during the call */
	enum check_talk_fault fault;
	struct check_result failure;
	unsigned names_refused; /* for the next talk */
	bool has_spoken_tls; /* the port speaks TLS */
	bool has_secret; /* the stage secret was reported, or failed */
};

/* told() is called for each stage that succeeded; over() once, last, and the
 * talk may be freed from within it.  Neither is called from within
 * check_talk_new(). */
struct check_talk_hooks {
	void (*told)(void *ctx, const struct check_result *r);
	void (*over)(void *ctx, const struct check_talk_end *end);
	void *ctx;
};

struct check_talk *check_talk_new(struct loop *l,
    const struct check_talk_opts *opts, const struct check_talk_hooks *hooks);
void check_talk_free(struct check_talk *t); /* says QUIT if it can */

#endif
