/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_submit.h - submits one message in one SMTP session.
 *
 * Takes as few round trips as the server allows.  relaisd identifies itself in
 * its greeting, and gets EHLO, envelope and message (BDAT) in one flight if
 * they are not large; other servers with PIPELINING get the envelope in one
 * flight and the message with QUIT in the next.  If a server accepts only so
 * many recipients at once (452), the rest is sent in further transactions of
 * the same connection.
 *
 * Blocks.  Refusals by the server are reported through told(), not returned.
 */
#ifndef SENDMAIL_SENDMAIL_SUBMIT_H
#define SENDMAIL_SENDMAIL_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "sendmail/sendmail_args.h"

enum submit_state {
	SUBMIT_OPEN = 0, /* no server has accepted it */
	SUBMIT_TAKEN,
	SUBMIT_REFUSED /* refused, and told() was called */
};

struct submit_rcpt {
	char *addr; /* checked: no control characters */
	enum submit_state state;
};

/* Everything is borrowed.  Only recipients that are SUBMIT_OPEN take part. */
struct submit {
	const char *helo;
	const char *sender; /* "" is the null sender */
	struct submit_rcpt *rcpts;
	size_t nrcpts;
	struct bytes head, body; /* CRLF line ends, the last one too */
	bool is_8bit; /* the message has bytes over 127 */
	unsigned notify;
	enum dsn_ret ret;
	const char *envid; /* not xtext, or NULL */
	enum sendmail_delivery delivery;
	/* requested by name, or NULL.  If set, only a server that lets clients
	 * choose an account gets the message */
	const char *account;
	bool is_verify; /* stop before DATA; told() gets every verdict */

	/* Reports refusals and the final acceptance.  rcpt is NULL if the
	 * verdict is about the whole message. */
	void (*told)(void *ctx, const char *rcpt, const struct verdict *v);
	void *ctx;
};

enum submit_end {
	SUBMIT_OVER, /* every recipient was accepted or refused */
	/* no conversation was possible, or it broke; recipients that are still
	 * open can safely be submitted elsewhere */
	SUBMIT_NOT_TAKEN,
	/* the answer to the message was lost; recipients that are still open
	 * may have been accepted */
	SUBMIT_UNCERTAIN
};

/* Takes over fd.  err says why unless the result is SUBMIT_OVER. */
enum submit_end submit_run(int fd, const struct submit *s, struct err *err);

/* True: an address of it needs SMTPUTF8 (RFC 6531 3.4). */
bool submit_needs_utf8(const struct submit *s);

/* The sysexits(3) status that fits a refusal. */
int submit_exit_status(const struct verdict *v);

#endif
