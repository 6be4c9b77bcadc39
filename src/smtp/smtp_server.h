/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_server.h - one incoming conversation, without a socket.
 *
 * The driver owns the transport, the clock and what happens to the message;
 * this engine owns the grammar, the order of commands, the end of the message
 * and the limits (RFC 5321, 1870, 2920, 3030, 3461, 6152, 6531).
 * No call blocks, allocates without a cap, reads the time, or logs.
 *
 * After SS_MAIL, SS_RCPT and SS_END (and SS_COMMAND) the engine stays silent
 * until the driver answers with smtp_server_reply(): 250 cannot be said before
 * the queue called the message safe, because only the driver's answer makes the
 * engine say it.  Commands that arrive meanwhile wait in order.
 *
 * One function resets the transaction for every refusal (R10).
 */
#ifndef SMTP_SMTP_SERVER_H
#define SMTP_SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"

struct smtp_server;

/* Borrowed strings must outlive the engine. */
struct smtp_server_opts {
	const char *hostname; /* for the greeting and the EHLO reply */
	uint64_t max_size_bytes; /* SIZE; 0: no limit */
	size_t max_rcpts; /* 452 4.5.3 beyond; 0: SMTP_RCPTS_MAX */
	int64_t idle_ms; /* 0: SMTP_SERVER_IDLE_MS */
	/* Offer XRELAIS: XMODE= and XACCOUNT= on MAIL.  If BDAT is accepted and
	 * nothing is hidden, the greeting names it as well: then a client need
	 * not wait for the reply to EHLO. */
	bool may_xrelais;
	bool may_chunk; /* offer CHUNKING and take BDAT */
	/* The driver handles STARTTLS and AUTH: SS_COMMAND.  Only the test
	 * provider does. */
	bool has_commands;
	bool hide_pipelining, hide_8bitmime, hide_smtputf8, hide_dsn, hide_size;
	const char *limits; /* RFC 9422, "RCPTMAX=20", or NULL */
};

/* Copies opts, but not the strings. */
struct smtp_server *smtp_server_new(const struct smtp_server_opts *opts);
void smtp_server_free(struct smtp_server *s);

/* Bytes from the client.  _room() is 0 while the engine takes none: the driver
 * owes an answer, or too many replies are unread. */
size_t smtp_server_room(const struct smtp_server *s);
void smtp_server_put(struct smtp_server *s, const void *p, size_t n);
/* End of input.  Earlier input is still handled, in order, so that a client may
 * send everything and close its side; then SS_CLOSE. */
void smtp_server_eof(struct smtp_server *s);

/* Bytes for the client, borrowed until the next call on s. */
size_t smtp_server_peek(struct smtp_server *s, const void **ret_p);
void smtp_server_sent(struct smtp_server *s, size_t n);

/* Milliseconds of a clock that only the driver reads; INT64_MAX: none; 0 asks
 * for a first tick.  A command line must be complete within idle_ms, content
 * has to move, and a transaction has its time as a whole (R68). */
int64_t smtp_server_deadline(const struct smtp_server *s);
void smtp_server_tick(struct smtp_server *s, int64_t now_ms);

/* Events, each reported once; pull until SS_IDLE. */
enum ss_event {
	SS_IDLE = 0, /* needs bytes, room, time or an answer */
	SS_COMMAND, /* info.text: STARTTLS or AUTH and what follows it, or the
		     * next line of a dialogue: answer by _command() */
	SS_MAIL, /* info.addr, info.mail: answer due */
	SS_RCPT, /* info.addr, info.rcpt: answer due */
	SS_BODY, /* info.body: clean bytes, CRLF only, no dot-stuffing */
	SS_END, /* the message is complete: answer due */
	SS_ABORT, /* the transaction under way is off: forget it */
	SS_CLOSE /* flush and hang up; info.text says why, for the log */
};

/* XMODE=, offered as XRELAIS: what sendmail's -odb, -odi and -odq ask for. */
enum ss_mode {
	SS_MODE_UNSET = 0,
	SS_MODE_SAFE,
	SS_MODE_VERDICT,
	SS_MODE_QUEUE
};

/* What MAIL asked for. */
struct ss_mail {
	uint64_t size_bytes; /* declared by SIZE, 0: not */
	bool is_8bit; /* BODY=8BITMIME */
	bool is_utf8; /* SMTPUTF8 */
	enum dsn_ret ret;
	const char *envid; /* xtext, or NULL */
	enum ss_mode mode;
	const char *account; /* XACCOUNT=: asked for by name, or NULL */
};

struct ss_rcpt {
	unsigned notify; /* enum dsn_notify */
	const char *orcpt; /* "type;xtext", in ASCII; or NULL */
};

struct ss_info { /* borrowed until the next call on s */
	const char *addr; /* without brackets; "" is the null sender */
	struct ss_mail mail;
	struct ss_rcpt rcpt;
	struct bytes body;
	struct bytes text;
	/* SS_MAIL: addr has bytes over 127, perhaps no UTF-8, and SMTPUTF8 was
	 * not asked for; 553 5.6.7 unless something else is sent in its
	 * place. */
	bool lacks_utf8;
	bool had_bare; /* SS_END: bare CR or LF was repaired */
	bool is_dialogue; /* SS_COMMAND: the line follows a 334 */
	bool has_more; /* SS_COMMAND: there are bytes behind the line already */
};

enum ss_event smtp_server_next(struct smtp_server *s, struct ss_info *ret_info);

/* The answer to SS_MAIL, SS_RCPT or SS_END.  text may hold several lines
 * separated by \n; enhanced may be NULL.  The engine makes sure that neither
 * CR, LF nor control characters reach the wire.  A 2yz to SS_MAIL opens the
 * transaction, any to SS_END closes it; 421 closes the session. */
void smtp_server_reply(
    struct smtp_server *s, int code, const char *enhanced, const char *text);

/* The answer to SS_COMMAND.  334 carries a challenge (base64, any length up to
 * SMTP_SAY_SPACE) in text, and makes the next line SS_COMMAND too; after a 220
 * nothing is read before smtp_server_restart(); 421 closes. */
void smtp_server_command(
    struct smtp_server *s, int code, const char *enhanced, const char *text);

/* Lines for the reply to EHLO, separated by \n, borrowed; NULL: none. */
void smtp_server_offer(struct smtp_server *s, const char *lines);

/* Starts the session again without a greeting: TLS is on, and everything said
 * in clear text is forgotten (RFC 3207 4.2). */
void smtp_server_restart(struct smtp_server *s);

/* Sends 421 with this text and closes: a clean stop.  The driver no longer owes
 * an answer. */
void smtp_server_shutdown(struct smtp_server *s, const char *text);

/* The same instead of the greeting: this client is not served, for now (421) or
 * ever (5yz). */
void smtp_server_turn_away(
    struct smtp_server *s, int code, const char *enhanced, const char *text);

/* Facts for the trace field and the log; borrowed, NULL before EHLO/HELO. */
const char *smtp_server_helo(const struct smtp_server *s);
/* "SMTP", "ESMTP", "UTF8SMTP" (RFC 3848, 6531). */
const char *smtp_server_with(const struct smtp_server *s);

#endif
