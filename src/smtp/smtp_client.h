/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_client.h - one outgoing conversation, without a socket.
 *
 * The driver owns the transport, the clock and the message; this engine owns
 * the grammar and the order of commands (RFC 5321, 1870, 2920, 3030, 3207,
 * 3461, 4954, 6152, 6531, 9422).  No call blocks, allocates without a cap,
 * reads the time, or logs.
 *
 * Several transactions ("jobs") may be under way at once: where the server
 * offers PIPELINING, the next MAIL follows the last byte of the message before
 * it, up to a window that the server's answers open, with a RSET in front of
 * each MAIL whose predecessor is unconfirmed.  Verdicts stay exact per job and
 * recipient.  With a server that cannot pipeline, the same calls send one
 * command at a time.
 *
 * Nothing is ever sent in clear once TLS is wanted, AUTH happens after TLS
 * only and from what was offered then, and the job list stays shut until the
 * login the account needs has succeeded (R4-R6, R58, R72).
 */
#ifndef SMTP_SMTP_CLIENT_H
#define SMTP_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "mail/verdict.h"

struct smtp_caps;
struct smtp_client;

enum sc_tls {
	SC_TLS_STARTTLS, /* greeting in clear, STARTTLS, or stop */
	SC_TLS_IMPLICIT, /* the transport is TLS from the first byte */
	SC_TLS_OFF /* tls = off, loopback only; the driver checked that */
};

enum { SC_EHLO_NAMES_MAX = 3 };

/* Borrowed strings must outlive the engine. */
struct smtp_client_opts {
	/* The name for EHLO, a host name or an address literal, and the names
	 * to try if it is refused, each once; NULL: none. */
	const char *ehlo_name;
	const char *ehlo_others[SC_EHLO_NAMES_MAX - 1];
	unsigned ehlo_refused; /* earlier result of
			        * smtp_client_ehlo_refused() */
	enum sc_tls tls;
	bool wants_auth; /* log in, or stop (never go on without) */
	bool is_plain_spoken; /* no pipelining, no BDAT: it misbehaved before */
	unsigned distrust; /* enum smtp_distrust: found out before */
	bool is_bare_auth; /* no initial response: it did not take one before */
	/* The caller does not try again over another connection: a refusal is
	 * reported as it is, even if it may be about the session. */
	bool is_last_try;
	/* The extensions of a server whose greeting says XRELAIS, or NULL.
	 * EHLO and the first transaction are then sent before any reply, which
	 * RFC 2920 3.1 does not allow with other servers: only our own daemon
	 * says that word, and only if it can handle this. */
	const struct smtp_caps *if_relaisd;
	size_t window_jobs; /* 0: SMTP_WINDOW_JOBS_MAX */
	size_t window_first; /* before the first answer; 0: 1 */
	/* Milliseconds per step; 0 takes the value of smtp_limits.h.  The
	 * greeting has its own because port probing cannot wait 5 minutes. */
	int64_t greeting_ms;
	int64_t step_ms_max; /* caps every other timeout; for tests */
};

struct smtp_client *smtp_client_new(const struct smtp_client_opts *opts);
void smtp_client_free(struct smtp_client *c);

/* Bytes from the peer.  _room() says how many _put() will take now; it is 0
 * while SC_STARTTLS waits for an answer, so clear text cannot slip through. */
size_t smtp_client_room(const struct smtp_client *c);
void smtp_client_put(struct smtp_client *c, const void *p, size_t n);
/* The peer closed, or the transport broke; why is for the verdict's text. */
void smtp_client_eof(struct smtp_client *c, const char *why);

/* Bytes for the peer, borrowed until the next call on c. */
size_t smtp_client_peek(struct smtp_client *c, const void **ret_p);
void smtp_client_sent(struct smtp_client *c, size_t n);
/* How many of the bytes that were sent have not left the process: a message
 * whose end is among them has certainly not arrived. */
void smtp_client_unsent(struct smtp_client *c, size_t n);

/* Time, in milliseconds of a clock that only the driver reads. */
int64_t smtp_client_deadline(const struct smtp_client *c);
void smtp_client_tick(struct smtp_client *c, int64_t now_ms);

/* --- silence ---------------------------------------------------------------
 *
 * Answers are awaited for minutes (smtp_limits.h), but other messages must not
 * wait as well.  When the oldest unanswered command is older than
 * max(SMTP_STALL_MS, SMTP_STALL_ROUNDS round trips), the connection is stalled:
 * _may_send() is false until the answer comes, and then the window must be
 * earned again.  Before that, while an answer is overdue, little is sent, and
 * bodies wait for the answers to their envelopes; a message that waits like
 * this behind others when the connection stalls is given back.
 *
 * After an idle time of the same length, one message goes first; if the window
 * was full, its reply opens the window again. */

/* Since when a reply is awaited; INT64_MAX: none is awaited. */
int64_t smtp_client_waits_since(const struct smtp_client *c);
/* When that reply is overdue, and when the connection counts as stalled;
 * INT64_MAX: no reply is awaited. */
int64_t smtp_client_overdue_at(const struct smtp_client *c);
int64_t smtp_client_stalls_at(const struct smtp_client *c);
/* True: the awaited reply is the one to a whole message. */
bool smtp_client_awaits_end(const struct smtp_client *c);
/* True: the server replies in time, and the window still grows with each
 * reply. */
bool smtp_client_is_growing(const struct smtp_client *c);
/* True: the window has its full size. */
bool smtp_client_is_trusted(const struct smtp_client *c);
/* Another connection to this server has the full window, or had it a moment
 * ago.  Until the server is silent, the first message does not wait for the
 * answers to its envelope, and one reply opens the window. */
void smtp_client_vouch(struct smtp_client *c);
/* The shortest time that a reply took; 0: there was no reply. */
int64_t smtp_client_round_trip_ms(const struct smtp_client *c);

/* Events, each reported once; pull until SC_IDLE. */
enum sc_event {
	SC_IDLE = 0, /* needs bytes, room or time */
	SC_STARTTLS, /* flush, wrap the transport, then _tls_up() */
	SC_AUTH, /* info.text: the mechanisms it offers, blank separated;
		  * info.verdict: how it refused the one before, or NONE.
		  * _auth() or _no_login() */
	SC_CHALLENGE, /* info.text, without base64: _respond() or _no_login() */
	SC_ACCEPTED, /* 235: _logged_in() if it can be believed, or
		      * _no_login() */
	SC_READY, /* logged in (info.text: mechanism): _send() or _quit() */
	SC_WANT_BODY, /* info.job: _body() will take bytes */
	SC_RCPT_DONE, /* info.job, info.rcpt, info.verdict: that recipient.
		       * RCPT refused: at once.  RCPT accepted: with the end. */
	SC_JOB_DONE, /* info.job, info.verdict: the transaction is over; every
		       * recipient has had its SC_RCPT_DONE before.  When the
		       * connection breaks, the verdict of the oldest job has
		       * the stage it had reached, and those behind it, which
		       * have no part in it, STAGE_CONNECT.
		       * VERDICT_NONE: given back untried, on a connection that
		       * is stalled; nothing was said of its recipients. */
	SC_CLOSE /* flush and hang up; info.verdict says why.  Every job
		       * under way has had its SC_JOB_DONE before.  The verdict
		       * is about the connection or the account, never about a
		       * message: LATER, even behind a 535 (R56), or NONE after
		       * a clean end. */
};

/* Why the session could not begin, when SC_CLOSE comes before SC_READY. */
enum sc_trouble {
	SC_TROUBLE_NONE = 0, /* clean end */
	SC_TROUBLE_LOST, /* connection lost, deadline */
	SC_TROUBLE_PROTOCOL, /* not SMTP, or nonsense */
	SC_TROUBLE_REFUSED, /* the greeting or EHLO was 4yz/5yz */
	SC_TROUBLE_NO_TLS, /* STARTTLS not offered or refused, or injected */
	SC_TROUBLE_NO_AUTH, /* no AUTH or no mechanism both sides have */
	SC_TROUBLE_AUTH, /* credentials refused */
	SC_TROUBLE_AUTH_LATER, /* 4yz to AUTH */
	SC_TROUBLE_CRED, /* there is no secret; the driver's word */
	SC_TROUBLE_NAME, /* a name in EHLO refused; smtp_client_ehlo_refused()
			  * says whether another is left for a new connection */
	/* Before or after SC_READY: this session is unusable, and a new one may
	 * be started at once. */
	SC_TROUBLE_BROKEN, /* 503 to what was in order: it forgot the login */
	SC_TROUBLE_OFFER /* smtp_client_distrust() has grown */
};

struct sc_info { /* borrowed until the next call on c */
	uint64_t job; /* smtp_job.tag */
	size_t rcpt; /* index into smtp_job.rcpts */
	struct verdict verdict;
	enum sc_trouble trouble;
	/* With SC_RCPT_DONE and SC_JOB_DONE: a verdict that is VERDICT_LATER is
	 * about this session, and says nothing about the message. */
	bool is_void;
	struct bytes text;
};

enum sc_event smtp_client_next(struct smtp_client *c, struct sc_info *ret_info);

/* --- answers to events ---------------------------------------------------- */

void smtp_client_tls_up(struct smtp_client *c);
/* Which mechanism, and its initial response if the client speaks first (raw,
 * may be empty): it goes into the AUTH line, or follows the 334 if the line
 * would be too long or the server refused one before.  Copied, and wiped after
 * use. */
void smtp_client_auth(
    struct smtp_client *c, const char *mechanism, const struct bytes *initial);
void smtp_client_respond(struct smtp_client *c, struct bytes response);
void smtp_client_logged_in(struct smtp_client *c);
/* No login: ends the conversation with this trouble and verdict. */
void smtp_client_no_login(
    struct smtp_client *c, enum sc_trouble trouble, const struct verdict *why);

/* One transaction.  Everything is borrowed until its SC_JOB_DONE. */
struct smtp_job_rcpt {
	const char *addr;
	const char *orcpt;
	unsigned notify;
};
struct smtp_job {
	uint64_t tag; /* the driver's own name for it */
	const char *sender;
	const struct smtp_job_rcpt *rcpts;
	size_t nrcpts;
	uint64_t size_bytes; /* exact: CRLF counted, dots not stuffed */
	bool is_8bit;
	bool needs_utf8;
	const char *envid;
	enum dsn_ret ret;
	const char
	    *params; /* more of MAIL, "XMODE=safe", as they are; or NULL */
	bool keeps_nul; /* see smtp_dot.h */
	/* No message follows: each recipient gets its SC_RCPT_DONE with the
	 * reply to RCPT, accepted or not. */
	bool is_probe;
};

/* True after SC_READY while the window has room and no body is owed; false for
 * good once the server's MAILMAX is reached (RFC 9422): time to quit. */
bool smtp_client_may_send(const struct smtp_client *c);
/* True: the server accepts no further transaction in this session, as it
 * announced (RFC 9422, MAILMAX). */
bool smtp_client_is_used_up(const struct smtp_client *c);
/* The job and all it points to are borrowed until its SC_JOB_DONE.  What the
 * server cannot take (size over SIZE, UTF-8 without SMTPUTF8, 8-bit without
 * 8BITMIME) ends at once in SC_JOB_DONE with a local VERDICT_NEVER, 5.3.4,
 * 5.6.7 or 5.6.3, and nothing is sent. */
void smtp_client_send(struct smtp_client *c, const struct smtp_job *job);
/* The bytes of the message whose SC_WANT_BODY came, CRLF line ends; returns
 * how many were taken (0: wait for room).  After exactly size_bytes the body
 * ends by itself. */
size_t smtp_client_body(struct smtp_client *c, const void *p, size_t n);
/* The message cannot be read after all: gives the connection up, so that the
 * server never takes half a message for a whole one. */
void smtp_client_body_failed(struct smtp_client *c, const char *why);

/* QUIT once the jobs under way are done. */
void smtp_client_quit(struct smtp_client *c);
/* No transaction is under way and none is wanted: the connection is idle. */
bool smtp_client_is_idle(const struct smtp_client *c);

/* The names that the server has refused in EHLO, one bit each, starting with
 * ehlo_name. */
unsigned smtp_client_ehlo_refused(const struct smtp_client *c);
/* The enum smtp_distrust of the options, and what was found since. */
unsigned smtp_client_distrust(const struct smtp_client *c);
/* True: the connection was lost while a BDAT had no reply, and no BDAT had been
 * accepted before.  A middlebox that does not know BDAT may close the
 * connection when the body arrives. */
bool smtp_client_lost_bdat(const struct smtp_client *c);
/* True: the server accepted AUTH only without an initial response. */
bool smtp_client_is_bare_auth(const struct smtp_client *c);

/* The extensions in the server's last EHLO reply, without those that are not
 * trusted. */
const struct smtp_caps *smtp_client_caps(const struct smtp_client *c);

#endif
