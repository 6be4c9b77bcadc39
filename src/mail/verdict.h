/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verdict.h - the decision about a message or a recipient, and who made it.
 *
 * A server's refusal is data, not an error of ours: code, enhanced code (RFC
 * 3463), text, and who said it.  A verdict is stored with the envelope, shown
 * by relais(1), logged, and passed to the client if it still waits.
 *
 * A plain value, copied freely.  The text is raw (bytes as received, no CR, LF
 * or NUL, cut at VERDICT_TEXT_MAX); code that shows it escapes it.
 */
#ifndef MAIL_VERDICT_H
#define MAIL_VERDICT_H

#include "base/buf.h"

enum verdict_class {
	VERDICT_NONE = 0, /* nothing has been decided */
	VERDICT_OK, /* accepted: 2yz */
	VERDICT_LATER, /* worth another try: 4yz, no connection, ... */
	VERDICT_NEVER /* permanently refused in this form: 5yz */
};

/* The stage of the conversation that produced the verdict. */
enum verdict_stage {
	STAGE_LOCAL = 0, /* relais itself */
	STAGE_CONNECT, /* look-up, connect, lost connection, deadline */
	STAGE_TLS,
	STAGE_GREETING,
	STAGE_EHLO,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA, /* DATA or BDAT, before the end of the message */
	STAGE_END, /* the answer to the end of the message */
	STAGE_COUNT
};

enum { VERDICT_TEXT_MAX = 512, VERDICT_WHO_MAX = 128 };

struct verdict {
	enum verdict_class class;
	enum verdict_stage stage;
	int code; /* 0: no reply was involved */
	char enhanced[12]; /* "4.7.0", or "" */
	/* The final answer was lost after the last byte, so the message may
	 * have been accepted (RFC 1047).  The class is VERDICT_LATER. */
	bool is_uncertain;
	bool is_logged_in; /* said to a client that had logged in */
	char text[VERDICT_TEXT_MAX]; /* lines joined by a blank */
	char who[VERDICT_WHO_MAX]; /* "smtp.example.org[192.0.2.1]:465", "" */
};

/* The words in logs and journals: "ok", "later", "never"; "mail", "rcpt", ...
 * The _from functions parse them; false: no such word. */
const char *verdict_class_name(enum verdict_class c);
bool verdict_class_from(struct bytes name, enum verdict_class *ret);
const char *verdict_stage_name(enum verdict_stage s);
bool verdict_stage_from(struct bytes name, enum verdict_stage *ret);

/* Makes a verdict from a reply.  The class follows from the first digit (RFC
 * 5321 4.2.1); an enhanced code whose class differs is ignored. */
void verdict_from_reply(struct verdict *v, enum verdict_stage stage, int code,
    struct bytes enhanced, struct bytes text);
/* Makes a verdict of relais itself.  text is cut, and control characters become
 * blanks. */
void verdict_local(struct verdict *v, enum verdict_class class,
    enum verdict_stage stage, int code, const char *enhanced, const char *text);

/* The verdict for a message that was sent completely and got no answer. */
void verdict_unanswered(struct verdict *v, const char *who);

/* One line for people: "550 5.1.1 No such user (said by mx to RCPT)"; an
 * uncertain one begins with "may have been delivered: ". */
void verdict_text(const struct verdict *v, struct buf *to);

/* A copy without the text of a reply to MAIL or later, which may quote a user's
 * message, for texts that other users may read. */
struct verdict verdict_public(const struct verdict *v);

/* True: equal in every member. */
bool verdict_eq(const struct verdict *a, const struct verdict *b);

#endif
