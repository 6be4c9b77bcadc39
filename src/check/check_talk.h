/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_talk.h - the part of a check that speaks with the server: tls, ehlo,
 * secret, auth, mail and send, over one connection.
 *
 * It uses the engine, the mechanisms and the login of deliveries, so that what
 * it finds is what a delivery would find.
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
	unsigned names_refused; /* in EHLO, by the talk before */
	/* Only: does this port speak TLS at once?  Nothing is told. */
	bool is_tls_probe;
	int64_t step_ms;
};

enum check_talk_fault {
	CHECK_TALK_FINE, /* every stage went well */
	CHECK_TALK_FAILED, /* for good; failure says where and why */
	CHECK_TALK_WRONG_PORT, /* likewise, but another port may do */
	CHECK_TALK_SILENT, /* likewise: connected, and no greeting */
	CHECK_TALK_ANOTHER_NAME /* refused our name; the next may differ */
};

struct check_talk_end { /* borrowed during the call */
	enum check_talk_fault fault;
	struct check_result failure;
	unsigned names_refused; /* for the next talk */
	bool has_spoken_tls; /* what answered speaks TLS */
	bool has_secret; /* the stage secret has been told or is failure */
};

/* told() for each stage that went well; over() once, last, and the talk may be
 * freed from within it.  Neither is called from within check_talk_new(). */
struct check_talk_hooks {
	void (*told)(void *ctx, const struct check_result *r);
	void (*over)(void *ctx, const struct check_talk_end *end);
	void *ctx;
};

struct check_talk *check_talk_new(struct loop *l,
    const struct check_talk_opts *opts, const struct check_talk_hooks *hooks);
void check_talk_free(struct check_talk *t); /* says QUIT, if it may */

#endif
