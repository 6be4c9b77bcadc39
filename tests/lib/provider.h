/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provider.h - a throw-away mail provider, made from our own server engine.
 *
 * Takes mail over TLS from whoever logs in, keeps each message in a folder as
 * it came, and says in one JSON line what it received, over which TLS version
 * and with which mechanism.  It can be told to misbehave (fault.h) and to
 * refuse what a certain provider refuses (rules.h).
 *
 * For tests and for contrib/try; it has no place on the Internet.
 */
#ifndef TESTS_LIB_PROVIDER_H
#define TESTS_LIB_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/list.h"
#include "smtp/smtp_server.h"
#include "tests/lib/fault.h"
#include "tests/lib/sasl_server.h"
#include "tests/lib/ss_login.h"

struct loop;
struct rules;
struct tls_ctx;

struct provider {
	struct loop *loop;
	struct tls_ctx *tls;
	struct smtp_server_opts smtp;
	struct ss_login_opts login;
	struct sasl_server_user user;
	struct faults faults;
	int64_t per_connection; /* 421 to the MAIL behind that many; 0: none */
	const char *per_connection_reply; /* in place of it; or NULL */
	unsigned long over_connection; /* how often it was said */
	struct rules *rules; /* NULL: takes any mail */
	int64_t delay_ms; /* before each answer to MAIL, RCPT and the end */
	const char *scram_iterations; /* NULL: 4096 */
	bool one_domain; /* of recipients per transaction, as Google has it */
	int store_dirfd; /* -1: keep nothing */
	unsigned long messages; /* so far; names the files */
	unsigned long nrcpts; /* of those */
	FILE *out; /* a line of JSON for each event; NULL: not wanted */
	struct list sessions;
};

/* A new connection; takes over fd. */
void provider_session_start(struct provider *p, int fd, bool is_implicit_tls);
void provider_stop_sessions(struct provider *p);

#endif
