/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd.h - a command line into a verb and its arguments (RFC 5321 4.1.1). */
#ifndef SMTP_CMD_H
#define SMTP_CMD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

enum cmd_verb {
	CMD_UNKNOWN = 0,
	CMD_FOREIGN, /* of HTTP: what a web page makes a browser send (R37) */
	CMD_OTHER, /* a command of SMTP that nobody here implements */
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

/* Parts of the line; blanks around the arguments are gone. */
struct cmd {
	enum cmd_verb verb;
	struct bytes args;
};

/* line is without its CR LF.  Never fails: CMD_UNKNOWN is an answer. */
struct cmd cmd_parse(struct bytes line);

/* Takes "FROM:" or "TO:" (the word without its colon) off the front of *args;
 * blanks around the colon are allowed.  False: it is not there. */
bool cmd_take_keyword(struct bytes *args, const char *word) MUST_CHECK;

#endif
