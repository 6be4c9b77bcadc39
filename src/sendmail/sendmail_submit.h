/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_submit.h - submits one message in one SMTP session.
 *
 * Takes as few round trips as the server allows: relaisd says in its greeting
 * that it is one, and gets EHLO, envelope and message (BDAT) in one flight if
 * they are not large; of other servers with PIPELINING the envelope is one
 * flight and the message with QUIT the next.  A server that takes only
 * so many recipients at once (452) gets the rest in further transactions of
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
	SUBMIT_OPEN = 0, /* nobody has taken it */
	SUBMIT_TAKEN,
	SUBMIT_REFUSED /* and told() was called */
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
	const char *account; /* asked for by name, or NULL: then only a server
			      * that lets one choose takes the message */
	bool is_verify; /* stop before DATA; told() hears all verdicts */

	/* rcpt is NULL when it is about the message as a whole.  Refusals, and
	 * the final "yes". */
	void (*told)(void *ctx, const char *rcpt, const struct verdict *v);
	void *ctx;
};

enum submit_end {
	SUBMIT_OVER, /* every recipient was taken or refused */
	SUBMIT_NOT_TAKEN, /* no conversation came about, or it broke: those that
			   * are still open can safely go elsewhere */
	SUBMIT_UNCERTAIN /* the answer to the whole message was lost: those that
			  * are still open may have been taken */
};

/* Takes over fd.  err says why it was not SUBMIT_OVER. */
enum submit_end submit_run(int fd, const struct submit *s, struct err *err);

/* RFC 6531 3.4: does an address of it need SMTPUTF8? */
bool submit_needs_utf8(const struct submit *s);

/* The sysexits(3) status that fits a refusal. */
int submit_exit_status(const struct verdict *v);

#endif
