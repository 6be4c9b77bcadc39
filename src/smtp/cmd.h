/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd.h - splits a command line into a verb and its arguments (RFC 5321 4.1.1).
 *
 * Pure.
 */
#ifndef SMTP_CMD_H
#define SMTP_CMD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

enum cmd_verb {
	CMD_UNKNOWN = 0,
	/* a method of HTTP, as a web page makes a browser send it (R37) */
	CMD_FOREIGN,
	CMD_OTHER, /* a command of SMTP that is not implemented */
	CMD_HELO,
	CMD_EHLO,
	CMD_MAIL,
	CMD_RCPT,
	CMD_DATA,
	CMD_BDAT,
	CMD_RSET,
	CMD_NOOP,
	CMD_VRFY,
	CMD_EXPN,
	CMD_HELP,
	CMD_QUIT,
	CMD_STARTTLS,
	CMD_AUTH,
	CMD_COUNT
};

/* Both point into the line, without blanks around them. */
struct cmd {
	enum cmd_verb verb;
	struct bytes args;
};

/* line is without its CR LF.  Never fails: CMD_UNKNOWN is an answer. */
struct cmd cmd_parse(struct bytes line);

/* Takes "FROM:" or "TO:" (word is the part before the colon) off the front of
 * *args; blanks around the colon are allowed.  False: it is not there. */
bool cmd_take_keyword(struct bytes *args, const char *word) MUST_CHECK;

#endif
