/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_server_impl.h - the inside of the server engine, shared by its three
 * files: smtp_server.c (bytes, time, events), smtp_server_cmd.c (the commands)
 * and smtp_server_impl.c (what both do to a session).  No other file includes
 * it.
 */
#ifndef SMTP_SMTP_SERVER_IMPL_H
#define SMTP_SMTP_SERVER_IMPL_H

#include "base/buf.h"
#include "smtp/smtp_dot.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_params.h"
#include "smtp/smtp_say.h"
#include "smtp/smtp_server.h"

/* How far the conversation has got; the command table depends on it. */
enum phase {
	PHASE_NEW = 1, /* no EHLO or HELO yet */
	PHASE_READY = 2, /* no transaction */
	PHASE_MAIL = 4, /* MAIL accepted, no recipient accepted yet */
	PHASE_RCPT = 8, /* at least one recipient */
	PHASE_BDAT = 16, /* the message arrives in chunks */
	PHASE_ANY = 31
};

/* What the next byte from the client is. */
enum mode {
	MODE_COMMAND, /* part of a command line */
	MODE_DIALOGUE, /* part of a line that the driver wants as it is */
	MODE_OVERLONG, /* part of a line that is too long: dropped */
	MODE_DATA, /* content, up to the lone dot */
	MODE_CHUNK, /* content, chunk_left bytes of it */
	MODE_CLOSED, /* of no interest */
	MODE_COUNT
};

/* Everything that a reset forgets. */
struct transaction {
	bool is_open; /* the driver holds it: SS_ABORT is owed if it fails */
	size_t accepted, refused; /* recipients */
	struct smtp_mail_params mail;
	struct smtp_dot dot;
	int64_t since_ms; /* it was open */
	uint64_t size_bytes; /* of the clean content so far */
	bool is_too_big; /* the rest is read and dropped */
	bool is_complete; /* SS_END comes next */
};

/* The BDAT chunk that is being read. */
struct chunk {
	uint64_t left; /* bytes that are still to come */
	bool is_last;
	const struct smtp_refusal *refusal; /* said after the chunk; or NULL */
};

/* The line that is too long and is being dropped. */
struct overlong {
	size_t bytes; /* dropped so far */
	bool ends_in_cr; /* the last of them */
};

/* The name in HELO or EHLO. */
struct helo {
	char name[SMTP_DOMAIN_MAX + 1]; /* "": none yet */
	bool is_extended; /* EHLO, not HELO */
};

/* Events the driver has not been told of yet. */
struct owed {
	bool abort;
	const char *close; /* the reason; NULL: the session is open, or told */
};

/* How long nothing has moved. */
struct clock_state {
	bool is_set; /* there was a tick */
	bool is_touched; /* since the last tick */
	int64_t now_ms, touched_ms;
};

struct smtp_server {
	struct smtp_server_opts opts;
	struct buf in, out;
	struct buf body; /* lent by SS_BODY */
	struct buf line; /* lent by SS_COMMAND, then wiped */
	const char *offers; /* of the driver, for EHLO */
	enum mode mode;
	enum phase phase;
	/* The event that the driver has not answered yet; SS_IDLE: none. */
	enum ss_event awaiting;
	struct owed owed;
	bool is_eof;
	bool is_first_line;
	struct helo helo;
	char addr[SMTP_PATH_MAX + 1]; /* lent by SS_MAIL and SS_RCPT */
	struct smtp_rcpt_params rcpt; /* likewise */
	struct transaction t;
	struct chunk chunk;
	struct overlong overlong;
	size_t line_bytes; /* of the command being run, with its CR LF */
	uint64_t discarded_bytes; /* of what is refused and still comes */
	struct smtp_refusal too_big; /* names the limit, once one was */
	char too_big_text[64];
	unsigned errors, unknown_commands;
	struct clock_state clock;
};

/* --- smtp_server_impl.c -------------------------------------------------- */

/* A reply; no effect on a closed session. */
void ss_say(
    struct smtp_server *s, int code, const char *enhanced, const char *text);
/* A refusal by the engine itself; too many of them end the session. */
void ss_refuse(struct smtp_server *s, const struct smtp_refusal *why);
/* Forgets the transaction, whatever its state; the driver gets SS_ABORT if it
 * held the transaction.  Every refusal ends here (R10). */
void ss_reset_transaction(struct smtp_server *s);
/* Resets, then SS_CLOSE; what is still in the buffers stays unread. */
void ss_hang_up(struct smtp_server *s, const char *why);
/* The message would be larger than max_size_bytes; s->too_big says so. */
bool ss_is_too_big(struct smtp_server *s, uint64_t size_bytes);
/* Asks the driver about this line (without CR LF), the first in s->in. */
enum ss_event ss_ask_command(
    struct smtp_server *s, struct bytes line, struct ss_info *info);

/* --- smtp_server_cmd.c ---------------------------------------------------- */

/* Runs one command line (without CR LF). */
enum ss_event ss_command(
    struct smtp_server *s, struct bytes line, struct ss_info *info);
/* False: these are not the first bytes of an SMTP client (R37); answered. */
bool ss_is_smtp(struct smtp_server *s);

#endif
