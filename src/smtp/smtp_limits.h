/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_limits.h - every maximum of the two conversations, in one place.
 *
 * What may be set in the configuration is marked; the rest is fixed.  Sizes
 * are bytes unless the name says otherwise.
 */
#ifndef SMTP_SMTP_LIMITS_H
#define SMTP_SMTP_LIMITS_H

enum {
	/* Server side: RFC 5321 4.5.3.1 gives the minima. */
	SMTP_COMMAND_LINE_MAX = 4096, /* 512, plus room for every extension */
	SMTP_ACCOUNT_MAX = 64, /* XACCOUNT= */
	SMTP_AUTH_LINE_MAX = 16384, /* RFC 4954 4: at least 12,288 */
	SMTP_MECHANISM_MAX = 20, /* RFC 4422 3.1 */
	SMTP_AUTH_TEXT_MAX =
	    32768, /* of a response in base64: a token is long */
	SMTP_RCPTS_MAX = 1000, /* default of max_recipients */
	SMTP_ERRORS_MAX = 20, /* replies of 5yz to commands */
	SMTP_UNKNOWN_COMMANDS_MAX = 3,
	SMTP_OVERLONG_DISCARD_MAX = 65536, /* R77 */
	/* Of a message or chunk that is already refused: the size limit, but at
	 * least this, so that an honest client gets the reply. */
	SMTP_REFUSED_DISCARD_MIN = 65536,
	SMTP_SERVER_IN_MAX = 32768, /* bytes not yet parsed */
	SMTP_SERVER_OUT_MAX = 65536, /* replies not yet sent */
	SMTP_SAY_LINE_MAX = 512, /* of a reply; RFC 5321 4.5.3.1.5 */
	SMTP_SAY_TEXT_MAX = 4096, /* of a reply as a whole */

	/* Client side (R25). */
	SMTP_REPLY_LINE_MAX = 4096,
	SMTP_REPLY_LINES_MAX = 128,
	SMTP_REPLY_MAX = 65536,
	SMTP_CAPS_AUTH_MAX = 512,
	SMTP_CAPS_ABSURD_MAX = 40,
	SMTP_CAPS_SIZE_MIN = 65536, /* a smaller SIZE is absurd: 4.5.3.1.7 */
	SMTP_CLIENT_OUT_MAX = 262144,
	SMTP_WINDOW_JOBS_MAX = 64, /* transactions under way at once */

	/* RFC 5321 4.5.3.1.3 and .1 */
	SMTP_PATH_MAX = 256 + 64, /* lenient: some local parts are longer */
	SMTP_DOMAIN_MAX = 255,
	SMTP_ENVID_MAX = 100, /* RFC 3461 4.4 */
	SMTP_ORCPT_MAX = 500, /* RFC 3461 4.2 */
	/* The same with "\x{F6}" for every two bytes of UTF-8. */
	SMTP_ORCPT_ASCII_MAX = SMTP_ORCPT_MAX / 2 * 7
};

/* RFC 5321 4.5.3.2, milliseconds; one per command, so that each can be named
 * in the error. */
enum {
	SMTP_GREETING_MS = 5 * 60 * 1000,
	SMTP_EHLO_MS = 5 * 60 * 1000,
	SMTP_STARTTLS_MS = 2 * 60 * 1000,
	SMTP_AUTH_MS = 2 * 60 * 1000,
	SMTP_MAIL_MS = 5 * 60 * 1000,
	SMTP_RCPT_MS = 5 * 60 * 1000,
	SMTP_DATA_MS = 2 * 60 * 1000,
	SMTP_BLOCK_MS = 3 * 60 * 1000, /* no progress while sending */
	SMTP_END_MS = 10 * 60 * 1000, /* R63 */
	SMTP_QUIT_MS = 10 * 1000,
	SMTP_SERVER_IDLE_MS = 5 * 60 * 1000
};

/* How long the oldest unanswered command may wait: this time, and at least this
 * many round trips.  After a late reply no body is sent before its envelope is
 * answered; after an overdue one, few messages; on a stalled connection,
 * nothing. */
enum {
	SMTP_LATE_MS = 50,
	SMTP_LATE_ROUNDS = 2,
	SMTP_OVERDUE_MS = 250,
	SMTP_OVERDUE_ROUNDS = 4,
	SMTP_OVERDUE_JOBS = 2, /* under way at once, at most */
	SMTP_STALL_MS = 2000,
	SMTP_STALL_ROUNDS = 8
};

/* R68: the sender of a message, a client or we, has SMTP_SLOW_MS for it, plus a
 * second for each SMTP_SLOW_BYTES.  No network is that slow; a peer that is
 * wants to occupy a session or a courier. */
enum { SMTP_SLOW_MS = 10 * 60 * 1000, SMTP_SLOW_BYTES = 500 };

/* R68: the percentage of max_sessions that may belong to one user, or to one
 * machine whose users are not known, so that others find room.  Sessions whose
 * client closed before its user could be found have a separate share: their
 * user may have sessions in the other share as well. */
enum { SMTP_SESSIONS_OF_ONE = 75, SMTP_SESSIONS_OF_HIDDEN = 20 };

#endif
