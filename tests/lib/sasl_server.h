/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl_server.h - the other side of sasl.h, for the throw-away provider of the
 * tests and for listeners that may one day want a login.
 *
 * Takes the lines that smtp_server reports with SS_COMMAND (ss_login.h) and
 * says what to answer, so that a driver is
 *
 *	code = sasl_server_step(ss, info.text, &text);
 *	ss_login_answer(l, code, sasl_server_enhanced(code), buf_str(&text));
 *
 * One object per session; each "MECH ..." line starts afresh (R27).
 */
#ifndef TESTS_LIB_SASL_SERVER_H
#define TESTS_LIB_SASL_SERVER_H

#include "base/buf.h"
#include "base/must.h"

struct sasl_server_user {
	const char *name;
	const char *password; /* or NULL: tokens only */
	const char *token; /* or NULL */
};

/* Everything is borrowed until sasl_server_free(). */
struct sasl_server_opts {
	const char *mechanisms; /* what was offered, blank separated */
	const struct sasl_server_user *users;
	size_t nusers;
	const char *hostname; /* CRAM-MD5 */
	const char *scram_iterations; /* NULL: "4096" */
	const char *binding_type; /* "tls-exporter", "tls-unique", NULL */
	struct bytes binding;
};

struct sasl_server;

struct sasl_server *sasl_server_new(const struct sasl_server_opts *opts);
void sasl_server_free(struct sasl_server *s);

/* One line: "MECH", "MECH initial-response", base64, or "*".  Returns the code
 * of the reply; text is replaced by the challenge in base64 (334) or a
 * sentence. */
int sasl_server_step(
    struct sasl_server *s, struct bytes line, struct buf *text) MUST_CHECK;
/* The enhanced code that goes with it (RFC 4954 6), or NULL. */
const char *sasl_server_enhanced(int code);
/* Who logged in last; NULL before a 235.  Borrowed. */
const char *sasl_server_user(const struct sasl_server *s);

#endif
